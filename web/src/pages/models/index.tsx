import type { JSX } from 'react'
import { useParams } from 'react-router'
import { ModelPage } from './ModelPage'
import { ModelTable } from './ModelTable'

/** All models, or one of them with its versions. */
export default function ModelsPage(): JSX.Element {
  const { name } = useParams()
  return name === undefined ? <ModelTable /> : <ModelPage key={name} name={name} />
}
