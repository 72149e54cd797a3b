import '@mantine/core/styles.css'
import './app/global.css'
import { createRoot } from 'react-dom/client'
import { readPlace, takeSession } from './api/place'
import { App } from './app/App'
import { askAhead } from './app/ahead'

const place = document.querySelector<HTMLMetaElement>('meta[name="milepost-place"]')?.content
readPlace(place === 'team', location.pathname)
takeSession() // before anything is asked for
askAhead(window.location)
const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)
