// The masking of one configuration, made once when it is read.
import { createMarks, createMasking, type Detector, type OwnMasker } from '#engines/masking'
import type { DataClass } from '#model'
import type { Masks } from './sight.ts'

interface MaskSettings {
  classes: readonly DataClass[]
  tokenKey: Uint8Array
  detectors: readonly Detector[]
  maskers: ReadonlyMap<string, OwnMasker>
}

/** Throws ConfigurationError for what `createMasking` refuses. `wires`: those that have classes of their own. */
export function createMasks(
  settings: MaskSettings & {
    readonly wires?: readonly {
      readonly name: string
      readonly dataClasses?: readonly DataClass[]
    }[]
  },
): Masks {
  const { wires = [], ...rest } = settings
  const ofWire = new Map<string, Masks>()
  for (const { name, dataClasses = [] } of wires) {
    if (dataClasses.length === 0) continue
    const classes = joined(rest.classes, dataClasses)
    ofWire.set(name, { ...masksOf({ ...rest, classes }), columnsInBodies: true })
  }
  return { ...masksOf(rest), ofWire }
}

/** Whoever configures a class by such a name says more of it, never less. */
function joined(classes: readonly DataClass[], own: readonly DataClass[]): readonly DataClass[] {
  const others = own.filter(({ name }) => classes.every(each => each.name !== name))
  const more = classes.map(each => {
    const same = own.find(({ name }) => name === each.name)
    return same === undefined ? each : { ...each, columns: [...each.columns, ...same.columns] }
  })
  return [...more, ...others]
}

function masksOf(settings: MaskSettings): Masks {
  const { classes, tokenKey, detectors } = settings
  return {
    classes,
    masking: createMasking(settings),
    marks: createMarks(classes),
    redaction: createMasking({
      classes: classes.map(each => ({ ...each, mask: 'redact' as const })),
      tokenKey,
      detectors,
    }),
  }
}
