// How statements go on record: where their own words hold what their principal may not see, without it.
import { hidingNames } from '#engines/bodies'
import type { Look, Statement } from '#model'
import type { KeptText } from '../protocol/index.ts'
import type { SessionView } from '../sight/index.ts'

export class KeptForms {
  readonly #view: () => SessionView
  readonly #known = new WeakMap<
    Statement,
    { readonly view: SessionView; readonly kept: Statement }
  >()
  #look: { readonly view: SessionView; readonly look: Look } | undefined

  /** `view`: what is seen at this moment. */
  constructor(view: () => SessionView) {
    this.#view = view
  }

  /** The statement itself when there is nothing to hide. */
  of(statement: Statement): Statement {
    if (statement.kept === undefined) return statement
    const view = this.#view()
    const known = this.#known.get(statement)
    if (known?.view === view) return known.kept
    const { text, operations } = statement.kept(this.#at(view))
    const same = text === statement.text && operations === statement.operations
    const kept = same ? statement : { ...statement, text, operations }
    this.#known.set(statement, { view, kept })
    return kept
  }

  text(text: string, kept: KeptText | undefined): string {
    return kept === undefined ? text : kept(text, this.#at(this.#view()))
  }

  #at(view: SessionView): Look {
    if (this.#look?.view === view) return this.#look.look
    const look: Look = {
      text: text => view.masks.masking.scrub(text, view.detected('unknown')),
      hidesName: hidingNames(view.hiddenFields().flatMap(({ keys = [] }) => keys)),
    }
    this.#look = { view, look }
    return look
  }
}
