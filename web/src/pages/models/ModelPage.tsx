import { Anchor, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { JSX } from 'react'
import { Link } from 'react-router'
import { formatBytes, formatCount, formatDate } from '../../parts/format'
import { Loading } from '../../parts/Loading'
import { Moment } from '../../parts/Moment'
import { PageTitle } from '../../parts/PageTitle'
import { Problem } from '../../parts/Problem'
import { useAddress } from '../../state/address'
import { useKeys } from '../../state/keys'
import { Facts } from '../run/details/Facts'
import { Section } from '../run/details/Section'
import { Aliases } from './Aliases'
import { Description } from './Description'
import classes from './models.module.css'
import { type ModelVersion, modelFileAddress, modelQuery, modelZipAddress, versionQuery } from './requests'
import { SourceRun } from './SourceRun'
import { VersionTags } from './VersionTags'

/** One model: its versions, and the chosen one with its files and where it comes from. */
export function ModelPage({ name }: { readonly name: string }): JSX.Element {
  const address = useAddress()
  const query = useQuery(modelQuery(name))
  const versions = query.data?.versions ?? []
  const asked = Number(address.get('version') ?? Number.NaN)
  const chosen = versions.find((each) => each.version === asked) ?? versions[0]
  const at = chosen ? versions.indexOf(chosen) : -1
  const choose = (version: ModelVersion | undefined) => {
    if (version) address.set({ version: String(version.version) }, { push: true })
  }
  useKeys({
    j: { does: 'Next version', act: () => choose(versions[at + 1]) },
    k: { does: 'Version before', act: () => choose(versions[at - 1]) },
  })
  return (
    <>
      <PageTitle
        title={name}
        above={
          <Anchor component={Link} to="/models">
            Models
          </Anchor>
        }
      />
      {query.isPending && <Loading what="the model" />}
      {query.data === undefined && query.isError && (
        <Problem error={query.error} title="The model could not be read" onRetry={() => void query.refetch()} />
      )}
      {chosen && (
        <div className={classes.layout}>
          <Section title={formatCount(versions.length, 'version')}>
            <ul className={classes.versions}>
              {versions.map((each) => (
                <li key={each.version}>
                  <button
                    type="button"
                    className={classes.version}
                    aria-current={each.version === chosen.version}
                    onClick={() => choose(each)}
                  >
                    <span className={classes.versionName}>
                      <b>Version {each.version}</b>
                      <Aliases names={each.aliases} />
                    </span>
                    <Text span size="sm" c="dimmed">
                      <Moment at={each.created} /> · {formatBytes(each.bytes)}
                    </Text>
                  </button>
                </li>
              ))}
            </ul>
          </Section>
          <Version key={chosen.version} version={chosen} />
        </div>
      )}
    </>
  )
}

function Version({ version }: { readonly version: ModelVersion }): JSX.Element {
  const { name } = version
  const all = useQuery({
    ...versionQuery(name, version.version),
    enabled: version.files.length < version.files_total,
  })
  const files = all.data?.files ?? version.files
  return (
    <div className={classes.chosen}>
      <Section
        title={`Version ${version.version}`}
        actions={
          <Anchor size="sm" href={modelZipAddress(name, version.version)} download>
            All files as a zip
          </Anchor>
        }
      >
        <Facts
          facts={[
            ['Description', <Description key={`${name}:${version.version}`} version={version} />],
            ['From run', version.run_id && <SourceRun key="run" version={version} />],
            ['Experiment', version.experiment],
            ['Framework', [version.framework, version.framework_version].filter(Boolean).join(' ')],
            ['Path', version.path],
            ['Registered', formatDate(version.created)],
            ['Changed', version.updated !== version.created && formatDate(version.updated)],
            ['Size', formatBytes(version.bytes)],
            ...Object.entries(version.properties).map(([key, value]) => [`Property ${key}`, value] as const),
          ]}
        />
      </Section>
      <VersionTags version={version} />
      <Section title={`Files (${version.files_total.toLocaleString('en')})`}>
        <Table>
          <Table.Tbody>
            {files.map((file) => (
              <Table.Tr key={file.name}>
                <Table.Td className={classes.file}>
                  <Anchor href={modelFileAddress(name, version.version, file.name)} download>
                    {file.name}
                  </Anchor>
                </Table.Td>
                <Table.Td className={classes.short} ta="right">
                  {formatBytes(file.size)}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Section>
      <Section title="Use it">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
        <pre className={classes.code} tabIndex={0}>
          {`from azureml.core import Model, Workspace\n\nmodel = Model(Workspace.from_config(), ${JSON.stringify(name)}, version=${version.version})\nmodel.download("model")`}
        </pre>
      </Section>
    </div>
  )
}
