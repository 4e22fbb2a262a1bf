// The program that people use a protocol with, and how it is told of us: by a local port, or by a file that it reads, which has
// it run a program of ours whenever it needs a credential.

/** Where a client reaches the gateway for one resource. */
export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly resource: string
  /** The path of our CA's certificate on the client's machine. */
  readonly ca: string
}

/** How `sallyport connect` and `run` point the native tool at a local port that asks no password. */
export interface NativeTool {
  /** The native client, as a command line without arguments: `['psql']`. */
  readonly command: readonly string[]
  environment(endpoint: Endpoint): { readonly [name: string]: string }
  /** For a client that no environment steers: what goes before its other arguments. */
  arguments?(endpoint: Endpoint): readonly string[]
  /** The same for programs that take an address as one text. */
  url(endpoint: Endpoint): string
  /** For a client that reads of its servers in a file. */
  readonly file?: ToolFile
}

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
  local(endpoint: Omit<Endpoint, 'ca'>): string
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
