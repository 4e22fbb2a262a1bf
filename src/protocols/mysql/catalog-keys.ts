// How a server compares names of databases and relations: with their case or without.
import { foldedName } from '#engines/sql'
import { foldsAlways } from './catalog-system.ts'

export class NameKeys {
  readonly #fold: boolean

  /** `fold`: names of tables have no case on that server. */
  constructor(fold: boolean) {
    this.#fold = fold
  }

  folded(name: string): string {
    return this.#fold ? foldedName(name) : name
  }

  /** The same for all spellings of one relation. */
  relation(schema: string, name: string): string {
    if (foldsAlways(schema)) return `${schema.toLowerCase()}\0${name.toLowerCase()}`
    return `${this.folded(schema)}\0${this.folded(name)}`
  }

  /** Names of relations may be one that are not spelled so. */
  folds(schema: string): boolean {
    return this.#fold || foldsAlways(schema)
  }

  /** (Names of routines never have a case, nor accents on every server: `alike`.) */
  routine(schema: string, name: string): string {
    return `${this.folded(schema)}\0${foldedName(name)}`
  }
}
