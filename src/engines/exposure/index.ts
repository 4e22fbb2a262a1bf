// What a statement would show, ask and send of columns that are hidden. Knows no policy and no protocol.
export { type Exposed, type Hides, hiddenAmong, type Untold, untoldOf } from './hidden.ts'
export { NONE, type OutputExposure, outputExposure, UNTOLD } from './outputs.ts'
export { judgeProbe, judgeProbes, type ProbeRuling, predicateRuleFor } from './probes.ts'
export { judgeTransfer, judgeTransfers, type TransferRuling } from './transfers.ts'
