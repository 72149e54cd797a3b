import { createContext, useContext } from 'react'

/** Whether charts are drawn on a dark page. The portal has it from its theme, the notebook widget from the notebook's. */
export const DarkContext = createContext(false)

export function useDark(): boolean {
  return useContext(DarkContext)
}
