// fast-check with the same draws each time: a red build says something about the change, not about the dice.
//   PROPERTY_SEED=$RANDOM npm test     draws others
import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 20_260_701) })

export { fc }
