// One version of the policies beside another: the one before it, or any that is kept.
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { Empty, Facts, Failure, Time, Verbatim } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'
import { authorOf } from './author.tsx'
import { useVersionFiles, useVersions } from './data.ts'
import { Diff, differences } from './diff.tsx'

const route = getRouteApi('/policies/history/$id')

export function PolicyVersionPage() {
  const { id } = route.useParams()
  const { against } = route.useSearch()
  const navigate = useNavigate()
  const versions = useVersions()
  const version = versions.data?.find(each => String(each.id) === id)
  // Newest first: the first that is older.
  const before = against ?? versions.data?.find(each => each.id < Number(id))?.id
  const now = useVersionFiles(Number.isSafeInteger(Number(id)) ? Number(id) : undefined)
  const then = useVersionFiles(before)
  const found =
    now.data !== undefined && (before === undefined || then.data !== undefined)
      ? differences(then.data?.files ?? [], now.data.files)
      : undefined
  const error = versions.error ?? now.error ?? then.error
  return (
    <article className="overflow-auto p-4 w-full max-w-5xl">
      <p className="m-0 text-soft">
        <Link to="/policies">Policies</Link> / <Link to="/policies/history">who changed what</Link>{' '}
        / {plain(id)}
      </p>
      <h1 className="text-lg font-semibold my-2">Version {plain(id)}</h1>
      {error && <Failure error={error} again={() => void now.refetch()} />}
      {version !== undefined && (
        <Facts
          rows={[
            ['who', authorOf(version)],
            ['when', <Time key="t" at={version.at} />],
            version.note === '' ? undefined : ['why', <Verbatim key="n" text={version.note} />],
            ['revision', <Verbatim key="r" text={version.revision} />],
            ['policies', <Verbatim key="p" text={version.policySet} />],
          ]}
        />
      )}
      {versions.data !== undefined && (
        <label className="flex flex-wrap gap-2 items-center my-3">
          <span className="text-soft">compared with</span>
          <select
            value={before ?? ''}
            className="border border-line bg-paper text-ink px-2 py-1"
            onChange={event =>
              void navigate({
                to: '/policies/history/$id',
                params: { id },
                search: event.target.value === '' ? {} : { against: Number(event.target.value) },
                replace: true,
              })
            }
          >
            {before === undefined && <option value="">nothing before it is kept</option>}
            {versions.data
              .filter(each => String(each.id) !== id)
              .map(each => (
                <option key={each.id} value={each.id}>
                  {each.id} · {new Date(each.at).toLocaleString()} ·{' '}
                  {plain(each.principal ?? 'files')}
                </option>
              ))}
          </select>
        </label>
      )}
      {found === undefined && error === null && <p className="text-soft">reading …</p>}
      {found?.length === 0 && <Empty title="The two are the same." />}
      {found?.map(each => (
        <Diff key={each.name} {...each} />
      ))}
    </article>
  )
}
