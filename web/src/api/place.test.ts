import { afterEach, describe, expect, it } from 'vitest'
import { keepSession, pagesBase, placed, placeKind, readPlace } from './place'

afterEach(() => {
  keepSession('')
  readPlace(false, '/')
})

describe('where the API of an embedded portal is', () => {
  it('is below the key of the portal that the page was given', () => {
    keepSession('a-key_1')
    expect(placed('/api/v1/runs?limit=1')).toBe('/s/a-key_1/api/v1/runs?limit=1')
  })

  it('is at the root for a page that has none: there it is told that the link is missing', () => {
    expect(placed('/api/v1/runs')).toBe('/api/v1/runs')
  })

  it('does not make an address of another kind one of the API', () => {
    keepSession('a-key')
    expect(placed('/milepost.svg')).toBe('/milepost.svg')
    expect(placed('javascript:alert(1)')).toBe('javascript:alert(1)')
  })

  it('is not moved by an address that looks like one of a server', () => {
    readPlace(false, '/workspaces/team/experiments')
    expect([placeKind(), pagesBase(), placed('/api/v1/runs')]).toEqual(['portal', '', '/api/v1/runs'])
  })
})

describe('where the API of a server is', () => {
  it('is below its workspace, as that stands in the address', () => {
    readPlace(true, '/workspaces/a%20%22team%22/experiments/x')
    expect([placeKind(), pagesBase()]).toEqual(['workspace', '/workspaces/a%20%22team%22'])
    expect(placed('/api/v1/runs')).toBe('/workspaces/a%20%22team%22/api/v1/runs')
  })

  it('is at the root for the pages of the server itself, whichever portal this browser has seen at this port', () => {
    keepSession('a-key')
    readPlace(true, '/account')
    expect([placeKind(), pagesBase(), placed('/api/v1/session')]).toEqual(['server', '', '/api/v1/session'])
  })
})
