import { type ReactNode, useEffect, useRef, useState } from 'react'

interface Props {
  /** About how high it will be, in px. */
  readonly height: number
  readonly children: ReactNode
}

/** Draws its children only where they are nearly in sight: a run may have hundreds of charts. */
export function InSight({ height, children }: Props) {
  const holder = useRef<HTMLDivElement>(null)
  const [isNear, setNear] = useState(false)
  const [kept, setKept] = useState(height)
  useEffect(() => {
    const element = holder.current
    if (!element) return
    const observer = new IntersectionObserver(
      (entries) => {
        const entry = entries.at(-1)
        if (!entry) return
        if (!entry.isIntersecting && element.clientHeight > 0) setKept(element.clientHeight)
        setNear(entry.isIntersecting)
      },
      { rootMargin: '400px' },
    )
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return (
    <div ref={holder} style={isNear ? undefined : { height: kept }}>
      {isNear && children}
    </div>
  )
}
