// A command that only a shell can read, told as the programs that it would run. An aid: the yes is for the text above.
import { useQuery } from '@tanstack/react-query'
import { type ExplanationView, paths } from '#contract'
import { at, call } from '../../data/gateway.ts'
import { Failure, Mark, Verbatim } from '../../ui/parts.tsx'
import { plain } from '../../ui/text.ts'

export function Explained({ id }: { id: string }) {
  const found = useQuery({
    queryKey: ['explanation', id],
    queryFn: ({ signal }) => call<ExplanationView>(at(paths.explanation, { id }), { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const { data, error, refetch } = found
  if (data?.missing === 'no_command') return null
  return (
    <section aria-label="explanation" className="my-3">
      <h2 className="text-soft font-normal text-[length:inherit] m-0">
        {data === undefined ? 'what it would run' : `what it would run, ${plain(data.about)}`}
      </h2>
      {error && <Failure error={error} again={() => void refetch()} />}
      {data === undefined && !error && <p className="m-0 text-soft">reading it …</p>}
      {data?.missing === 'too_long' && (
        <p className="m-0">
          It could not be explained in time. Some texts are written so: read all of it yourself.
        </p>
      )}
      {data?.hasError && (
        <p className="m-0">
          <Mark tone="denied" glyph="✕">
            parts of it do not read as a command
          </Mark>
          : the list is not whole, and may be wrong.
        </p>
      )}
      <ol className="m-0 pl-6 list-decimal">
        {data?.commands.map((each, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same program may run twice
          <li key={index} className="py-0.5">
            <strong className="font-mono">
              {each.program === undefined ? '?' : plain(each.program)}
            </strong>{' '}
            <Verbatim text={each.text} />
            {each.notes.length > 0 && (
              <span className="text-soft wrap-anywhere"> {each.notes.map(plain).join('; ')}</span>
            )}
          </li>
        ))}
      </ol>
      {data?.cut && <p className="m-0">There is more than is explained here.</p>}
    </section>
  )
}
