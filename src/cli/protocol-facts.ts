// What the CLI needs of a protocol: handed in as data by main.ts, so that no command names one.

import type { ZodType } from 'zod'
import type { Statement } from '#model'

export interface Protocol {
  readonly name: string
  readonly defaultPort: number
  readonly settings: ZodType
  readonly secretFields: readonly string[]
  readonly ownFields?: readonly string[]
  readonly tool: {
    readonly command: readonly string[]
    environment(endpoint: { host: string; port: number; resource: string; ca: string }): {
      readonly [name: string]: string
    }
    arguments?(endpoint: {
      host: string
      port: number
      resource: string
      ca: string
    }): readonly string[]
    url(endpoint: { host: string; port: number; resource: string; ca: string }): string
    readonly file?: ToolFile
  }
  /** For wires whose clients prove themselves by certificates. */
  readonly keyProofs?: {
    newKey(): {
      readonly publicKey: string
      files(certificate: string): readonly { readonly suffix: string; readonly text: string }[]
    }
    useLine(
      endpoint: { host: string; port: number; resource: string },
      file: string | undefined,
    ): string
    keep(file: string, seconds: number): readonly string[]
  }
  /** Reads a statement as it would be judged, without a catalog. */
  read(text: string): Promise<Statement>
}

/** For native tools that are told of their servers by a file. */
export interface ToolFile {
  /** Of the environment: by it the tool finds the file. */
  readonly variable: string
  readonly name: string
  readonly plugin: CredentialPlugin
  local(endpoint: { host: string; port: number; resource: string }): string
  lasting(
    entry: {
      host: string
      port: number
      resource: string
      ca: string | undefined
      plugin: { command: string; args: readonly string[] }
      use: boolean
    },
    existing: string | undefined,
  ): { readonly text: string; readonly replaced?: string; readonly select?: string }
}

/** What a tool runs for a credential: `credential RESOURCE --OPTION`. */
export interface CredentialPlugin {
  readonly option: string
  readonly description: string
  readonly variable: string
  print(
    issued: { readonly id: string; readonly secret: string; readonly expiresAt: number },
    asked: string | undefined,
  ): string
}

/** The registry. Loaded by the commands that need it only: it brings the grammars along. */
export type LoadProtocols = () => Promise<readonly Protocol[]>
