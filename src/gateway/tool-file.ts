// For native tools that are told of their servers by a file, and run a program of ours whenever they need a credential.

/** A program with its arguments. */
export interface PluginCommand {
  readonly command: string
  readonly args: readonly string[]
}

/** One resource, as a file of such a tool names it for good. */
export interface LastingEntry {
  readonly host: string
  readonly port: number
  readonly resource: string
  /** Who signed the gateway's certificate, as PEM; undefined: whom the system trusts. */
  readonly ca: string | undefined
  /** Gives the credential. */
  readonly plugin: PluginCommand
  /** The tool uses this entry unless it is told otherwise. False: only where the file has no such entry yet. */
  readonly use: boolean
}

export interface ToolFile {
  /** Of the environment: by it the tool finds the file. */
  readonly variable: string
  /** How the file is called when nobody says. */
  readonly name: string
  /** What the tool runs for a credential. */
  readonly plugin: CredentialPlugin
  /** For a local port that asks no password. */
  local(endpoint: { host: string; port: number; resource: string }): string
  /**
   * `existing` with the entry in it, and with all else as it was. Throws InvalidRequest when it cannot be read, or has others' entries
   * of the same name. `replaced`: the server that the entry named before, when that was another. `select`: what to type for the
   * tool to use the entry; undefined: it does.
   */
  lasting(
    entry: LastingEntry,
    existing: string | undefined,
  ): { readonly text: string; readonly replaced?: string; readonly select?: string }
}

/** What a tool runs for a credential: `sallyport credential RESOURCE --OPTION`. */
export interface CredentialPlugin {
  readonly option: string
  readonly description: string
  /** Of the environment: there the tool says what it asks. */
  readonly variable: string
  /** What the tool reads of our output. Throws InvalidRequest when it asks for what we cannot give. */
  print(
    issued: { readonly id: string; readonly secret: string; readonly expiresAt: number },
    asked: string | undefined,
  ): string
}
