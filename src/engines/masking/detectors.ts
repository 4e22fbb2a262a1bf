// The table of detectors. A new one is a file in detectors/ and a line here.
import type { Detector } from './detector.ts'
import { card } from './detectors/card.ts'
import { cloudKey } from './detectors/cloud-key.ts'
import { email } from './detectors/email.ts'
import { iban } from './detectors/iban.ts'
import { jwt } from './detectors/jwt.ts'
import { phone } from './detectors/phone.ts'
import { privateKey } from './detectors/private-key.ts'
import { usSsn } from './detectors/us-ssn.ts'

/** Every detector, by the name that configuration uses. */
export const detectors: ReadonlyMap<string, Detector> = new Map(
  [email, card, usSsn, phone, iban, jwt, privateKey, cloudKey].map(each => [each.name, each]),
)
