// The table of detectors. A new one is a file in detectors/ and a line here.
import type { Detector } from './detector.ts'
import { auAbn } from './detectors/au-abn.ts'
import { auTfn } from './detectors/au-tfn.ts'
import { brCnpj } from './detectors/br-cnpj.ts'
import { brCpf } from './detectors/br-cpf.ts'
import { card } from './detectors/card.ts'
import { cloudKey } from './detectors/cloud-key.ts'
import { deSteuerId } from './detectors/de-steuer-id.ts'
import { email } from './detectors/email.ts'
import { esNif } from './detectors/es-nif.ts'
import { fiHetu } from './detectors/fi-hetu.ts'
import { frNir } from './detectors/fr-nir.ts'
import { iban } from './detectors/iban.ts'
import { inAadhaar } from './detectors/in-aadhaar.ts'
import { inPan } from './detectors/in-pan.ts'
import { ip } from './detectors/ip.ts'
import { itCf } from './detectors/it-cf.ts'
import { jwt } from './detectors/jwt.ts'
import { krRrn } from './detectors/kr-rrn.ts'
import { mac } from './detectors/mac.ts'
import { nlBsn } from './detectors/nl-bsn.ts'
import { phone } from './detectors/phone.ts'
import { plPesel } from './detectors/pl-pesel.ts'
import { privateKey } from './detectors/private-key.ts'
import { sePersonnummer } from './detectors/se-personnummer.ts'
import { secret } from './detectors/secret.ts'
import { sgFin } from './detectors/sg-fin.ts'
import { ukNhs } from './detectors/uk-nhs.ts'
import { ukNino } from './detectors/uk-nino.ts'
import { urlCredentials } from './detectors/url-credentials.ts'
import { usAba } from './detectors/us-aba.ts'
import { usItin } from './detectors/us-itin.ts'
import { usNpi } from './detectors/us-npi.ts'
import { usSsn } from './detectors/us-ssn.ts'

/** Every detector, by the name that configuration uses. */
export const detectors: ReadonlyMap<string, Detector> = new Map(
  [
    ...[email, card, phone, iban, ip, mac],
    ...[usSsn, usItin, usAba, usNpi, ukNino, ukNhs, deSteuerId, frNir, esNif, itCf, plPesel, nlBsn],
    ...[sePersonnummer, fiHetu, inAadhaar, inPan, brCpf, brCnpj, auTfn, auAbn, krRrn, sgFin],
    ...[jwt, privateKey, cloudKey, urlCredentials, secret],
  ].map(each => [each.name, each]),
)
