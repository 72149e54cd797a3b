import type { RunAction } from '../../api/types'
import type { IconName } from '../../parts/Icon'

/** What can be done to runs. */
export interface Action {
  readonly action: RunAction
  readonly label: string
  readonly icon: IconName
  /** What happens, for the question before it. */
  readonly tells: string
  /** What has happened, before a number of runs. */
  readonly done: string
}

export const ACTIONS: readonly Action[] = [
  {
    action: 'tag',
    label: 'Tag',
    icon: 'tag',
    tells: 'The tag is set; one of the same name gets the new value.',
    done: 'Tagged',
  },
  {
    action: 'untag',
    label: 'Remove tag',
    icon: 'tag',
    tells: 'The tag is taken away from runs that have it.',
    done: 'Removed the tag from',
  },
  {
    action: 'archive',
    label: 'Archive',
    icon: 'archive',
    tells: 'Archived runs are hidden; they can be restored.',
    done: 'Archived',
  },
  { action: 'restore', label: 'Restore', icon: 'restore', tells: 'The runs are listed again.', done: 'Restored' },
  {
    action: 'cancel',
    label: 'Cancel',
    icon: 'stop',
    tells: 'Their scripts are ended. Runs that have ended stay as they are.',
    done: 'Cancelled',
  },
  {
    action: 'delete',
    label: 'Delete',
    icon: 'trash',
    tells: 'Their metrics, files and logs are gone for good. This cannot be undone.',
    done: 'Deleted',
  },
]
