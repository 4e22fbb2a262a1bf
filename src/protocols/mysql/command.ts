// A command as it came, and the text in it.
import { utf8 } from '#engines/wire'
import { AccessDenied } from '#model'

/** A command as it came: where its payload stands, and its packets when there is but one. */
export interface Command {
  readonly bytes: Buffer
  readonly from: number
  readonly to: number
  readonly framed: boolean
}

/** The text from `skip` bytes on. Throws ProtocolError where it is not UTF-8. */
export function textOf({ bytes, from, to }: Command, skip: number): string {
  // (What does not fit is replaced, which shows: then it is read as strictly as anything.)
  const text = bytes.toString('utf8', from + skip, to)
  if (!text.includes('\ufffd')) return text
  try {
    return utf8(bytes.subarray(from + skip, to))
  } catch (cause) {
    throw new AccessDenied('statement_unreadable', 'the text is not UTF-8', {
      hint: 'this gateway speaks utf8mb4; give bytes as hexadecimal literals (mysqldump --hex-blob)',
      cause,
    })
  }
}
