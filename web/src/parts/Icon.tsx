/** Line icons of 24 units, drawn for Milepost. */
const PATHS = {
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M19 5l-1.4 1.4M6.4 17.6 5 19',
  moon: 'M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5',
  screen: 'M3 4h18v12H3zM9 20h6M12 16v4',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5 21 21',
  close: 'M5 5l14 14M19 5 5 19',
  columns: 'M4 4h16v16H4zM9.3 4v16M14.6 4v16',
  up: 'M12 20V5M6 11l6-6 6 6',
  down: 'M12 4v15M6 13l6 6 6-6',
  wider: 'M8 8l-4 4 4 4M16 8l4 4-4 4M4 12h16',
  narrower: 'M4 8l4 4-4 4M20 8l-4 4 4 4M2 12h6M16 12h6',
  left: 'M15 5l-7 7 7 7',
  right: 'M9 5l7 7-7 7',
  chart: 'M4 4v16h16M7 15l4-5 3 3 5-7',
  archive: 'M3 4h18v5H3zM5 9v11h14V9M10 13h4',
  trash: 'M4 6h16M9 6V4h6v2M6 6l1 14h10l1-14M10 10v6M14 10v6',
  tag: 'M3 3h9l9 9-9 9-9-9zM7.5 7.5h.01',
  stop: 'M6 6h12v12H6z',
  copy: 'M8 8h12v12H8zM16 8V4H4v12h4',
  download: 'M12 3v12M6 10l6 6 6-6M4 20h16',
  none: '',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  check: 'M4 12l5 6L20 6',
  file: 'M6 2h8l5 5v15H6zM14 2v5h5',
  folder: 'M3 5h7l2 3h9v11H3z',
  restore: 'M4 4v6h6M4.5 10A8 8 0 1 1 4 14',
  filter: 'M3 4h18l-7 9v6l-4 2v-8z',
  help: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20M9 9.5a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 1.9M12 17.5h.01',
  keyboard: 'M2 6h20v12H2zM6 10h.01M10 10h.01M14 10h.01M18 10h.01M7 14h10',
  edit: 'M4 20h4L20 8l-4-4L4 16z',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M4 21c0-4 3.5-6 8-6s8 2 8 6',
  zoom: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5 21 21M7.5 10.5h6M10.5 7.5v6',
} as const

export type IconName = keyof typeof PATHS

interface Props {
  readonly name: IconName
  /** Edge in px. */
  readonly size?: number
}

/** A picture beside a text, or in a button that has a label of its own. */
export function Icon({ name, size = 18 }: Props) {
  return (
    <svg
      viewBox="0 0 24 24"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth={2}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  )
}
