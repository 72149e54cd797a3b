import { TextInput } from '@mantine/core'

interface Props {
  readonly value: string
  readonly onChange: (value: string) => void
  /** Where it is somebody else's, who is to be told it. */
  readonly isOthers?: boolean
}

/** A password that is to be kept from now on. */
export function NewPassword({ value, onChange, isOthers = false }: Props) {
  return (
    <TextInput
      label={isOthers ? 'Password' : 'New password'}
      description="At least 12 characters; a few words are easy to remember."
      type={isOthers ? 'text' : 'password'}
      name="new-password"
      autoComplete={isOthers ? 'off' : 'new-password'}
      spellCheck={false}
      required
      minLength={12}
      maxLength={1000}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}
