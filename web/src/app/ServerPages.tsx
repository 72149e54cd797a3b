import { later } from '../parts/later'

/** The pages of a server itself: signing in, workspaces, accounts. Those of a workspace do not need them. */
export const ServerPages = later('the page', () => import('../pages/server'))
