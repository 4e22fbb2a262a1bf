// Heads that were signed, newest first: over how many entries, by which key, over what.
import { useInfiniteQuery } from '@tanstack/react-query'
import { type HeadView, paths } from '#contract'
import { asking, call } from '../../data/gateway.ts'
import { Button, Failure, Time } from '../../ui/parts.tsx'
import { count, plain } from '../../ui/text.ts'
import { Save } from './save.tsx'
import { partsOf } from './verifier/index.ts'

const ONCE = 20

/** `newest`: a head over more entries is a reason to ask again. */
export function Heads({ newest }: { newest: number }) {
  const heads = useInfiniteQuery({
    queryKey: ['heads', newest],
    queryFn: ({ pageParam, signal }) =>
      call<HeadView[]>(asking(paths.auditHeads, { below: pageParam, count: ONCE }), { signal }),
    initialPageParam: newest + 1,
    getNextPageParam: page => (page.length < ONCE ? undefined : page.at(-1)?.size),
  })
  const all = heads.data?.pages.flat() ?? []
  return (
    <section aria-labelledby="heads" className="mt-6 max-w-4xl">
      <h2 id="heads" className="text-base font-semibold m-0 mb-1">
        Signed heads
      </h2>
      {heads.error && <Failure error={heads.error} again={() => void heads.refetch()} />}
      <ol className="list-none m-0 p-0">
        {all.map(head => (
          <Head key={head.size} head={head} />
        ))}
      </ol>
      {heads.hasNextPage && (
        <Button disabled={heads.isFetching} onClick={() => void heads.fetchNextPage()}>
          Earlier heads
        </Button>
      )}
    </section>
  )
}

function Head({ head }: { head: HeadView }) {
  const { root, keyId } = partsOf(head.note)
  return (
    <li className="border-t border-line py-1.5 flex flex-wrap gap-x-4 gap-y-1 items-center">
      <span className="tabular-nums font-semibold w-28">{count(head.size)} entries</span>
      <span className="w-24 text-soft">{head.at !== undefined && <Time at={head.at} />}</span>
      <span className="font-mono text-[0.75rem] wrap-anywhere flex-1 min-w-60">
        {plain(root)} <span className="text-soft">key {plain(keyId)}</span>
      </span>
      <Save name={`checkpoint-${head.size}`} text={head.note} label="Save" />
    </li>
  )
}
