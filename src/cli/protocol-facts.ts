// What the CLI needs of a protocol: handed in as data by main.ts, so that no command names one.
import type { ZodType } from 'zod'
import type { Endpoint, NativeTool, Statement } from '#model'

export interface Protocol {
  readonly name: string
  readonly defaultPort: number
  readonly settings: ZodType
  readonly secretFields: readonly string[]
  readonly ownFields?: readonly string[]
  readonly tool: NativeTool
  /** For wires whose clients prove themselves by certificates. */
  readonly keyProofs?: {
    newKey(): {
      readonly publicKey: string
      files(certificate: string): readonly { readonly suffix: string; readonly text: string }[]
    }
    useLine(endpoint: Omit<Endpoint, 'ca'>, file: string | undefined): string
    keep(file: string, seconds: number): readonly string[]
  }
  /** Reads a statement as it would be judged, without a catalog. */
  read(text: string): Promise<Statement>
}

/** The registry. Loaded by the commands that need it only: it brings the grammars along. */
export type LoadProtocols = () => Promise<readonly Protocol[]>
