import type { Change } from './protocol'

/** Values may come ten thousand a second: what shows them is read and drawn again once a second at most. */
const LEAST_MS = 1000
/** What took long is followed by a pause so many times as long, so that the page stays quick to the hand. */
const SHARE = 4

type Listener = (change: Change) => void

/** Passes changes on at a pace that the page can keep; what comes meanwhile is told as one. */
export class Pace {
  private readonly waiting = new Map<Listener, Change>()
  private isGoing = false

  /** `settled` comes back when all that the listeners have asked for is there and drawn. */
  constructor(private readonly settled: () => Promise<void>) {}

  tell(listener: Listener, change: Change): void {
    const before = this.waiting.get(listener)
    this.waiting.set(listener, before ? together(before, change) : change)
    if (!this.isGoing) void this.go()
  }

  forget(listener: Listener): void {
    this.waiting.delete(listener)
  }

  private async go(): Promise<void> {
    this.isGoing = true
    while (this.waiting.size > 0) {
      const told = [...this.waiting]
      this.waiting.clear()
      const began = performance.now()
      for (const [listener, change] of told) listener(change)
      await this.settled()
      const cost = performance.now() - began
      await pause(Math.max(LEAST_MS - cost, SHARE * cost))
    }
    this.isGoing = false
  }
}

function together(before: Change, after: Change): Change {
  const any = before.run_ids.length === 0 || after.run_ids.length === 0
  return { ...after, run_ids: any ? [] : [...new Set([...before.run_ids, ...after.run_ids])] }
}

export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}
