import { PageTitle } from '../../parts/PageTitle'

/** Experiment. */
export default function ExperimentPage() {
  return <PageTitle title="Experiment" />
}
