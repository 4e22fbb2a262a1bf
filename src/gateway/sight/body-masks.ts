// From what a principal may see to what is hidden in bodies: fields of classes, and what detectors find. Made once for a
// view, used for all bodies that are answered under it.
import { Buffer } from 'node:buffer'
import {
  type BodyMasker,
  type BodyRules,
  type BodySettings,
  createBodyMasker,
  createBodyRules,
  createMessageMasker,
  type HiddenFields,
  type MessageMasker,
} from '#engines/bodies'
import { parsePointer } from '#engines/json'
import type { DataClass } from '#model'
import type { Masks, SessionView } from './sight.ts'

const kept = new WeakMap<SessionView, { readonly rules: BodyRules | undefined }>()

/** What masks one body; undefined: nothing is hidden. Throws BodyProblem for a body that cannot be read. */
export function bodyMasker(view: SessionView, settings: BodySettings): BodyMasker | undefined {
  const rules = rulesOf(view)
  return rules === undefined ? undefined : createBodyMasker(rules, settings)
}

const entire = new WeakMap<Masks, { readonly rules: BodyRules | undefined }>()

/**
 * What hides in one body all that a class hides there from anybody, whatever policies reveal: for eyes that no policy was asked about.
 * Undefined: no class hides anything in bodies. Throws BodyProblem.
 */
export function entireMasker(masks: Masks, settings: BodySettings): BodyMasker | undefined {
  let known = entire.get(masks)
  if (known === undefined) {
    const { classes, redaction } = masks
    const fields = classes.filter(
      ({ keys = [], pointers = [] }) => keys.length + pointers.length > 0,
    )
    const detected = classes.filter(({ detect }) => detect !== undefined).map(({ name }) => name)
    known = { rules: makeRules({ masking: redaction, redaction }, fields, detected) }
    entire.set(masks, known)
  }
  return known.rules === undefined ? undefined : createBodyMasker(known.rules, settings)
}

/** What masks messages that come whole; undefined: nothing is hidden. */
export function messageMasker(view: SessionView): MessageMasker | undefined {
  const rules = rulesOf(view)
  return rules === undefined ? undefined : createMessageMasker(rules)
}

/** Whether anything is hidden in bodies. */
export function hidesInBodies(view: SessionView): boolean {
  return rulesOf(view) !== undefined || hiddenColumns(view).length > 0
}

const byFields = new WeakMap<SessionView, { readonly rules: BodyRules | undefined }>()

/** The class by whose field a value would be hidden that stands there in an answer: in an object, in a list of such, in an event of a watch. */
export function hidingClass(view: SessionView, way: readonly string[]): DataClass | undefined {
  let known = byFields.get(view)
  if (known === undefined) {
    known = { rules: makeRules(view.masks, view.hiddenFields(), []) }
    byFields.set(view, known)
  }
  const { rules } = known
  if (rules === undefined) return undefined
  const object = way.reduceRight<unknown>((inside, name) => ({ [name]: inside }), 'value')
  for (const whole of [object, { items: [object] }, { object }]) {
    const masker = createBodyMasker(rules, { contentType: 'application/json' })
    masker.write(Buffer.from(JSON.stringify(whole)))
    masker.end()
    const [name] = masker.found.keys()
    if (name !== undefined) return view.hiddenFields().find(each => each.name === name)
  }
  return undefined
}

/** Classes whose columns are hidden in bodies that have such. */
export function hiddenColumns(view: SessionView): readonly DataClass[] {
  return view.masks.columnsInBodies === true ? view.hiddenAnywhere() : []
}

function rulesOf(view: SessionView): BodyRules | undefined {
  const known = kept.get(view)
  if (known !== undefined) return known.rules
  const hidden = view.hiddenFields()
  const rules = makeRules(view.masks, hidden, view.detected('unknown'))
  // A module of the operator's has a budget for each answer: its maskers are not for many.
  if (!hidden.some(({ mask }) => typeof mask !== 'string' && 'plugin' in mask))
    kept.set(view, { rules })
  return rules
}

function makeRules(
  { masking, redaction }: Pick<Masks, 'masking' | 'redaction'>,
  hidden: readonly DataClass[],
  detected: readonly string[],
): BodyRules | undefined {
  const all = [...new Set([...hidden.map(({ name }) => name), ...detected])]
  if (all.length === 0) return undefined
  const dataClass = masking.mostSensitive(all)
  return createBodyRules({
    fields: leastShownFirst(masking, hidden).map(each => fieldsOf(masking, each)),
    scanner: () => masking.scanner(detected),
    redaction: { dataClass, write: redaction.masker(dataClass) },
  })
}

function leastShownFirst(masking: Masks['masking'], classes: readonly DataClass[]): DataClass[] {
  return [...classes].sort((a, b) =>
    a.name === b.name ? 0 : masking.mostSensitive([a.name, b.name]) === a.name ? -1 : 1,
  )
}

function fieldsOf(masking: Masks['masking'], dataClass: DataClass): HiddenFields {
  const { name, mask, detect, keys = [], pointers = [] } = dataClass
  return {
    names: keys,
    // (The configuration refuses what is no pointer.)
    pointers: pointers.map(each => parsePointer(each)).filter(each => each !== undefined),
    detected: detect !== undefined,
    plan:
      mask === 'null'
        ? { kind: 'null', dataClass: name }
        : { kind: 'mask', dataClass: name, write: masking.masker(name) },
  }
}
