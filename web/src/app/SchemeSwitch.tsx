import { ActionIcon, type MantineColorScheme, Tooltip, useMantineColorScheme } from '@mantine/core'
import { Icon, type IconName } from '../parts/Icon'

const NEXT: Record<MantineColorScheme, MantineColorScheme> = { light: 'dark', dark: 'auto', auto: 'light' }
const NAME: Record<MantineColorScheme, string> = { light: 'light', dark: 'dark', auto: 'as the system' }
const ICON: Record<MantineColorScheme, IconName> = { light: 'sun', dark: 'moon', auto: 'screen' }

/** Light, dark, or as the system is. */
export function SchemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const label = `Theme: ${NAME[colorScheme]}. Change to ${NAME[NEXT[colorScheme]]}`
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={label}
        onClick={() => setColorScheme(NEXT[colorScheme])}
      >
        <Icon name={ICON[colorScheme]} />
      </ActionIcon>
    </Tooltip>
  )
}
