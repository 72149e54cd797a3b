import { describe, expect, it } from 'vitest'
import { signInAddress, whereNext } from './sign_in'

const HERE = 'https://milepost.example'

describe('after signing in', () => {
  it('the page that was asked for is opened, with all that its address holds', () => {
    const asked = { pathname: '/workspaces/a%20b/experiments/x', search: '?filter=a%20%3D%20"b"', hash: '#c' }
    const next = new URL(signInAddress(asked), HERE).searchParams.get('next')
    expect(whereNext(next, HERE)).toBe(`${HERE}/workspaces/a%20b/experiments/x?filter=a%20%3D%20%22b%22#c`)
  })

  it.each([
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '\\\\evil.example',
    '/\t/evil.example/',
    'javascript:alert(1)',
    'data:text/html,x',
    'https:evil.example',
    `${HERE}.evil.example/`,
    `${HERE}@evil.example/`,
    '',
  ])('%s leads to the first page, not to another site', (asked) => {
    expect(whereNext(asked, HERE)).toBe(`${HERE}/`)
  })

  it.each(['/.//evil.example/', '/workspaces/..//evil.example'])('%s stays on this server', (asked) => {
    expect(new URL(whereNext(asked, HERE)).origin).toBe(HERE)
  })

  it('the sign-in page does not lead to itself', () => {
    expect(whereNext('/sign-in?next=/sign-in', HERE)).toBe(`${HERE}/`)
    expect(whereNext(null, HERE)).toBe(`${HERE}/`)
  })
})
