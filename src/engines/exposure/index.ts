// What a statement would show, ask and send of columns that are hidden. Knows no policy and no protocol.
export { explainUses, type LineageWhy, type UsesWhy } from './explain.ts'
export { type Exposed, type Hides, hiddenAmong, untoldOf, type View } from './hidden.ts'
export { type Judged, judgeUses } from './judge.ts'
export { outputExposure } from './outputs.ts'
export { judgeProbe, judgeProbes, type ProbeRuling, predicateRuleFor } from './probes.ts'
export {
  markRefused,
  probeRefused,
  tooManyValues,
  type UseRefusal,
  valueUnknown,
} from './refusals.ts'
export { judgeTransfer, judgeTransfers } from './transfers.ts'
