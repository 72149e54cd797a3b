import { linkHeaders } from './link'
import { isOnServer, placed } from './place'
import { tellReach } from './reach'

/** Requests to the API, and what can go wrong with them. */

const API = '/api/v1'

/** A value of a query parameter; undefined, null and '' leave the parameter out. */
export type Param = string | number | boolean | null | undefined

/** The API's answer to what could not be done. `status` is 0 where nothing answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** For filters: the character at which it goes wrong, counted from 0. */
    readonly position: number | null = null,
  ) {
    super(message)
    this.name = 'ApiError'
  }

  /** Whether the same request may succeed later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 503
  }
}

export function apiUrl(path: string, params: Readonly<Record<string, Param>> = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return placed(`${API}${path}${text ? `?${text}` : ''}`)
}

/** What the API of a whole server has, whichever workspace the page is of. */
export function serverUrl(path: string): string {
  return `${API}${path}`
}

/** A path from texts that may hold anything: path`/runs/${id}`. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((text, part, index) => text + encodeURIComponent(values[index - 1] ?? '') + part)
}

/** A name with folders as part of a path: its slashes stay. */
export function filePath(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/')
}

async function failure(response: Response): Promise<ApiError> {
  const fallback = `the portal answered ${response.status} ${response.statusText}`.trim()
  try {
    const body: unknown = await response.json()
    const error = isRecord(body) && isRecord(body.error) ? body.error : {}
    const position = typeof error.position === 'number' ? error.position : null
    return new ApiError(response.status, textOr(error.code, 'error'), textOr(error.message, fallback), position)
  } catch {
    return new ApiError(response.status, 'error', fallback)
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function textOr(value: unknown, other: string): string {
  return typeof value === 'string' && value ? value : other
}

/** The response to a request, or an ApiError. An aborted request raises the browser's AbortError. */
export async function request(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response
  try {
    const headers = { ...linkHeaders(), ...(init.headers as Record<string, string> | undefined) }
    response = await fetch(url, { credentials: 'same-origin', ...init, headers })
  } catch (error) {
    if (init.signal?.aborted) throw error
    tellReach(0)
    const told = isOnServer()
      ? 'the server does not answer'
      : 'the portal does not answer; start it with: milepost portal'
    throw new ApiError(0, 'unreachable', told)
  }
  if (!response.ok) {
    const error = await failure(response)
    // Of a wrong password nobody was signed out.
    if (error.code !== 'wrong_password') tellReach(response.status)
    throw error
  }
  tellReach(response.status)
  return response
}

/** GET, answered with JSON of type T. */
export async function get<T>(
  route: string,
  params: Readonly<Record<string, Param>> = {},
  signal?: AbortSignal,
): Promise<T> {
  return read<T>(apiUrl(route, params), signal)
}

/** GET of an address, answered with JSON of type T. */
export async function read<T>(url: string, signal?: AbortSignal): Promise<T> {
  const response = await request(url, { signal, headers: { Accept: 'application/json' } })
  return (await response.json()) as T
}

type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** POST, PUT, PATCH or DELETE with a JSON body, answered with JSON of type T (undefined for an empty answer). */
export async function send<T>(method: Method, route: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return write<T>(method, apiUrl(route), body, signal)
}

/** The same to an address. */
export async function write<T>(method: Method, url: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const response = await request(url, {
    method,
    signal,
    headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await response.text()
  return (text ? JSON.parse(text) : undefined) as T
}
