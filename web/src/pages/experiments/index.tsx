import { PageTitle } from '../../parts/PageTitle'

/** Experiments. */
export default function ExperimentsPage() {
  return <PageTitle title="Experiments" />
}
