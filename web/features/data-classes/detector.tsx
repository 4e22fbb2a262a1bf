// A detector, and how good it was when it was last measured: the figures are those of docs/detectors.md, read as the
// console is built.
import { figures } from 'virtual:detector-figures'
import { plain } from '../../ui/text.ts'

const origins = {
  'built-in': 'built in',
  configuration: 'of the configuration: tried on its own examples whenever the file is read',
  plugin: 'of a plugin: what it finds is its author’s word',
} as const

export function Detector({
  name,
  origin = 'built-in',
}: {
  name: string
  origin: keyof typeof origins | undefined
}) {
  const measured = origin === 'built-in' ? figures.filter(each => each.detector === name) : []
  return (
    <span>
      <code className="font-mono">{plain(name)}</code>{' '}
      <span className="text-soft">{origins[origin]}</span>
      {measured.map(({ corpus, labels, precision, recall }) => (
        <span key={corpus} className="block tabular-nums">
          precision {precision}, recall {recall}{' '}
          <span className="text-soft">
            on {labels} values, {corpus}
          </span>
        </span>
      ))}
    </span>
  )
}
