// For wires whose clients prove themselves by a key that we certify, and know us by one that we do: what such a wire
// can say and make. Who gets a certificate is decided elsewhere.
import type { KeyObject } from 'node:crypto'
import type { Endpoint } from '#model'
import type { KeyAuthorities } from '#transport'

/** What somebody asks a certificate for. */
export interface AskedCertificate {
  readonly publicKey: string
  readonly resource: string
  /** Networks from which alone it is to be used, with commas between. */
  readonly from?: string | undefined
}

export interface CertificateTerms {
  /** The credential behind it: when that ends, so does the certificate. */
  readonly id: string
  readonly now: number
  readonly expiresAt: number
}

export interface Certifier {
  /** By which the key is known to people. */
  readonly fingerprint: string
  certify(terms: CertificateTerms, authorities: KeyAuthorities): string
}

/** A file of a client's key, beside the others: its name ends in this. */
export interface KeyFile {
  readonly suffix: string
  readonly text: string
}

export interface KeyProofs {
  /** A client's new key, and its files once there is a certificate; the first is what tools are told. */
  newKey(): { readonly publicKey: string; files(certificate: string): readonly KeyFile[] }
  /** Throws InvalidRequest when it is no key, or no network, that a certificate can be for. */
  certifier(asked: AskedCertificate): Certifier
  /** How a client uses the key in `file`, or the one that is kept for it: a line to paste. */
  useLine(endpoint: Omit<Endpoint, 'ca'>, file: string | undefined): string
  /** The command that hands the key in `file` to whatever keeps the keys of this user, for so long. */
  keep(file: string, seconds: number): readonly string[]
  /** A line for hosts that are to let us in by a certificate. */
  trust(authorities: KeyAuthorities): string
  /** Lines by which clients know this gateway under any of its names. */
  knownHosts(
    at: { readonly names: readonly string[]; readonly port: number },
    hostKey: KeyObject,
    authorities: KeyAuthorities,
  ): readonly string[]
}
