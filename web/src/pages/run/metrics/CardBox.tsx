import type { ReactNode } from 'react'
import classes from './CardBox.module.css'

/** The border of a card. */
export function CardBox({ children }: { readonly children: ReactNode }) {
  return <div className={classes.card}>{children}</div>
}
