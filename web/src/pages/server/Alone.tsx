import type { ReactNode } from 'react'
import { SchemeSwitch } from '../../app/SchemeSwitch'
import { PageTitle } from '../../parts/PageTitle'
import classes from './Alone.module.css'

/** A page of those who have not signed in: nothing but what they came for. */
export function Alone({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <>
      <header className={classes.head}>
        <span className={classes.brand}>
          <img src="/milepost.svg" alt="" width={22} height={22} />
          Milepost
        </span>
        <SchemeSwitch />
      </header>
      <main className={classes.main}>
        <PageTitle title={title} />
        {children}
      </main>
    </>
  )
}
