import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { get } from '../../api/http'
import { useChanges } from '../../api/live'
import type { RunPage, RunRow } from '../../api/types'

/** The runs of an experiment, page after page in the server's order. */

export interface RunsQuery {
  readonly experiment: string
  readonly filter: string
  readonly order_by: string
  readonly descending: boolean
  /** The asked columns as the API takes them. */
  readonly columns: string
  readonly children: boolean
  readonly archived: boolean
}

export interface Runs {
  readonly rows: readonly RunRow[]
  /** How many runs there are, loaded or not; null while that is not known. */
  readonly total: number | null
  readonly error: Error | null
  readonly isPending: boolean
  /** Whether the rows are those of another order or filter, while the asked ones are on their way. */
  readonly isOld: boolean
  /** Whether runs have changed that are too far down to be read again unasked. */
  readonly isStale: boolean
  readonly reload: () => void
  /** Tells which rows are seen, so that they are loaded and kept fresh. */
  readonly show: (first: number, last: number) => void
}

const FIRST_PAGE = 100
const NEXT_PAGE = 500
const JUMP_PAGE = 1000
/** Up to so many pages are read again for every change. */
const LIVE_PAGES = 2
const LIVE_MS = 1000
const AHEAD = 60
/** What is seen is told in steps of so many rows, so that scrolling seldom draws the whole page anew. */
export const STEP = 20

type Data = InfiniteData<RunPage, string>

export function useRuns(query: RunsQuery, enabled: boolean): Runs {
  const client = useQueryClient()
  // Not under 'runs': what is live is decided here, for a long list is not read again for every change.
  const queryKey = useMemo(() => ['runlist', query] as const, [query])
  const seen = useRef({ first: 0, last: 0 })
  const [isStale, setStale] = useState(false)
  const [wanted, setWanted] = useState(0)
  const loaded = useRef(0)

  const { data, error, isPending, isPlaceholderData, isFetching, hasNextPage, fetchNextPage, refetch } =
    useInfiniteQuery({
      queryKey,
      enabled,
      initialPageParam: '',
      queryFn: ({ pageParam, signal }) =>
        get<RunPage>(
          '/runs',
          {
            ...query,
            cursor: pageParam,
            limit: pageSize(pageParam, loaded.current, seen.current.last),
            count: pageParam === '',
          },
          signal,
        ),
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      placeholderData: (before) => before,
      refetchOnWindowFocus: false,
      staleTime: 5_000,
    })

  const rows = useMemo(() => data?.pages.flatMap((page) => page.runs) ?? [], [data])
  const total = data?.pages[0]?.total ?? null
  loaded.current = rows.length

  useEffect(() => {
    if (wanted + AHEAD >= rows.length && hasNextPage && !isFetching && !error) void fetchNextPage()
  }, [wanted, rows.length, hasNextPage, isFetching, error, fetchNextPage])

  const reload = useCallback(() => {
    setStale(false)
    client.setQueryData<Data>(queryKey, (old) => old && firstPages(old, seen.current.last))
    void client.invalidateQueries({ queryKey })
  }, [client, queryKey])

  const pending = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(pending.current), [])
  const changed = useCallback(() => {
    if (pending.current !== undefined) return
    pending.current = setTimeout(() => {
      pending.current = undefined
      const old = client.getQueryData<Data>(queryKey)
      if (old && firstPages(old, seen.current.last).pages.length > LIVE_PAGES) setStale(true)
      else reload()
    }, LIVE_MS)
  }, [client, queryKey, reload])
  useChanges({ experiment: query.experiment }, (change) => {
    if (change.kind !== 'files') changed()
  })

  const show = useCallback((first: number, last: number) => {
    seen.current = { first, last }
    setWanted(Math.ceil(last / STEP) * STEP)
  }, [])

  return {
    rows,
    total,
    error,
    isPending,
    isOld: isPlaceholderData,
    isStale,
    reload: error && !data ? () => void refetch() : reload,
    show,
  }
}

function pageSize(cursor: string, loaded: number, wanted: number): number {
  if (cursor === '') return FIRST_PAGE
  return wanted - loaded > NEXT_PAGE ? JUMP_PAGE : NEXT_PAGE
}

/** The pages up to the one that holds row `last`. */
function firstPages(data: Data, last: number): Data {
  let count = 0
  const index = data.pages.findIndex((page) => {
    count += page.runs.length
    return count > last
  })
  if (index < 0) return data
  return { pages: data.pages.slice(0, index + 1), pageParams: data.pageParams.slice(0, index + 1) }
}
