// Vectors made once by another implementation: Go's crypto/mlkem and crypto/ecdh.
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { answerTo, firstWords, freshKeys, type Keys, secretFrom } from './hybrid-secret.ts'

const SEED =
  'BFl+mQZtZcbKXGXHPMiL7EjPbPFFq17bcqwmQR0NGg3kKZHvtTRie0GOLy/LICi14QNls0QhXbTuInsTFfW/GA=='
const POINT = 'SjANSfi89Nm+2owqEc+1tPECY0v+I4y9TFEtbCqWVbk='
const ANSWER =
  '8T4aQaujYgGHJecPWPj3jhYTCZQgkJoXEVdWpEJMYpM3XSknW/ov63yOhmkIAVGgxTtRDGzcEhs4sqLGKG0pI4Xk5aOKoN6W3+cHKkiEG9eVGycYaY5xMRF9PPOyqJMGnMK76/U52NJcZmuOeZNEW1AZUg9T0wTGQRD+QmUmMFHqjYPQsNBNGvCjVjzYbEcnixTL9RygGJDxZJjECXCz4WNAHe/mJxqG+mCupu0oiUIyMHQzygC5guSsvifFjm1/fFWfBYuJ+tm9l807hHLcC+1PJ5cEKcz04pytZ/Xb10ABXTHNH09FAErfyWFl1QtfpbYxcz7CYFPzfSn+Odmyu4slw78MKY8dwt0yuEYW/t+LZ1BJdinlUN9NbB+BVMpLW+69CHQffT33J3wcWTTjqfhPUj1WKeptWXdxW18M9ls9zZGRze9fJFK/R6kBepOYcygFhSw6jg9+ow2prlk+XSAdQRJIsSNxDpyr4MK3THp1KwBCS4wSek2v1d6+mKFy9lPREJbiPd7SJ256ueYYYV4kS//F5Wg3+qC3yxUq2lxpxGaVXqhNKGBnY2VJW1HxRcS8DfyCVeQDD09DOpTHZelgs46L1FpxPn1nGC7cdqEu5hjXv8qdPfq0oNvjaTA6QRGEsY/e8cnznWfr82zlbLvMK+77izqX1Q8QRIrZ4WSKpB3HvSOBKXfmqkNGoaInATRBThWGb2SYU5LBC+dEE32yBPvOz0M91xzruax43pA5rA3J+6m4WYcWO7OW10i7gS/InSy23hw/2ZqPhZSC19zS1OayNJuWZe1599O/313fWvniYErc5wWZLJQqmrd38L/lzH+EVdGZg6xHCfcV+7SyvjN4uk8e3saFaQ9J1Cyi66LZQkQtQ0Dd6TB8BXzf94mt3AZEoU7b2vK/d99gSCNSpNjaWEcVnKWTUrhKnaVyAO7GICEZu9ZEg2dKEyLvx+Vvb6+u//OG3LGBE2AkBlP9ChXKCJlBReN8hlXbTY17S6MlQGUa7SaaM033tiuNv2gbrgqmQSpUWObRixFVeGeBI6sihTmcthuZbLN7xVGYyTF6oPb/IkONqSN62Ew7XhSX5maFePo0apuDBzquFvWzXmoCkA9SHCRbiaUCXNCrW4YokpSnCnXh7UnHmo1SSDf+o7H2fbZVCHJpvvT/BlLHN92mSRTIAEy+JeKFf3DHO2y56k5jzhcptVyfA+iFupO/3/5lpsFwaa5R7FdWjijRTwdX0EPNIb0poUqF5wjjCV1p7A+EUgY1CX/l6URnwkwmkQcha9cDOYVTC/ni+vcDruYcCt3WgTt6+pPGFumbu19KAjh0pnsIDchSzM7Hlxg6SzPaqANKzlGpsTCVrFGYuwzVJwgAySojA3ECTU94hQLl75RenUmWNFzlMyvgRE3DXfeAdsh0Dw0FQy7srPkAuRzLu3anri/6gtSB5dKc3VNl+nvh8WR26/hm+juBFCP6Ql9ZPmsPrW6EKNM2Mw=='
const SECRET = '2mB7fy3EnM7txG6e5TfGowQMifbGlUHM1LeoDJQVjG4='
const WORDS =
  '1MlX6+BDfqwgf/EolDF53gJKjUk9Z3UrAGR+xlUzkdN+Y+kG3BqpVCsK2TkB3VJ0XXKFK7Uw5ExH3VW3vAvB9MODvqQG+UgdT6UuPpF9YEJRlUaxcCOXfUGsOapgEheJCWBRlOaxo2gQVJcstYGP09Am89irXzI9C/GrUZuBTHqgUwvEIAZAzZuOp3SFu1hdfdVUuMW1oxMAQIQlndYLwgFJxgsO31qICmK2+2uEOkKqUDKyWrOjYdwfC9kjRnWqMgVn+oNq1BI7adEOmFeEdxU24MQE+YXEdwCkkdaO7QcwUwUQH6iOxQOxcuqTTYVPWZxsb8uSBevOn6cS6UsFWRxXRkR9SDUblxMFzXsOYpwi2zGy68OWXrVeuNBVjBCtohSo24mpkNAMPSs0ZVSoXKIn8Sh1nZYPwfwDqlIMExOZu2HOqWVAvhkkIzlVawGjm/S5D9NF/AC6U5l5JdNaDeA84JdrNRiSbHmABDSg3UcBq1ev/tAy11ZnAVTGHFskFkY8DvZ5AbEo7ZkXJZlKRIkuzHmJaTUmk2cMaCoUrae4uObGzGSdz3UZS6V5KANulvZbRfsm4eFGsns1gIg83ypHUfxDFirD8KxXupqmJznEsLRcJhPH/udT2nIGPXZfgOa4u2i1c3BVB6itt3uC4pcc23h7Qgw/dfbFj0o1/Pe2H8lVRbDHenqdbfSUwHGQPcIDtAPAxURHdxURZvxW6POelmSpZUOrwaRMFCtpBZogu1VribAnqPRX2qC6xcDIBAYD6+cUeCUpjBANhRougKA8b9Gvldl9vAEV1rMOuDeCIcRpXQqFZ5quyZiWdmG7NHG51mWnszJtsAiRmGVo9JWgg7hHwWleiiNkOyu0imaczhNhmihysKmVXWKCqtqP0IEKT1yE60tHU1OMarvHT/gsV1mnV8XFHhtVGWoN+AgXunwKDPI56Dqpu4B6rFMV5Bhl1Hh8WqElp4q61sofQ6vA6kDDHdqOK+Np/Gx7JHk2ZpM8DGYrNSYFV2E1iHQnQsRWkCJmTZGx+AO2ucuJB0I0z5IWHOtW8yuc60U+qspfpiQHS3d7V7ur2GaKKlMSY/rIIjEPk5d/GJYYwfOXz+tRO5VtGXK4r8eAn8UoIwF+7sqcQKYiLNGNMWZ6lJCOYzpyuGLF4XubEktgQ3aQzBLLqIgIx+SXeFRZTDbBJRRZVCAU7ttpTfue1OMfZbot1zgxIppI8ilywrir02xu8IgD8/lPPhgJjYVOKEhm1mkSkAUt5blvjitjxMOiOfYgIPMRdxDMsfvMoiGLdUJCCpyLlZWPU9xiqaLKkRUxuikgXdIB1yiqzWi8JrxwymtCQ4q8g+uJQhyo+pazMgFslQUZBFvG6iMLx/d9HTQ+iaEmxPRbT6TAbRCx83ANFMswajeumvBCspHFtksH3CiMn8El11sWCyOyH/DMfbMP0Cg7ibNf/KU5llpAFMtBJ4dhHhsztxA7+DRmRuGIv+eW62CJQYCXremTZHx7e1YCbJyb6oLFU+mYg5A2GIy2bIOLNt1RXlKuS3kELFAGliHnpjcvCZs0ZsnTMkLeY+4gmNdaAoZ7PyjTqAmCSUxU+frflx+1Pt3+8kk2Q0z3QXTXBw=='

const bytes = (text: string): Buffer => Buffer.from(text, 'base64')

function keysOfVector(): Keys {
  const pair = (key: Buffer, format: 'raw-seed' | 'raw-private', asymmetricKeyType: string) => {
    const privateKey = createPrivateKey({ key, format, asymmetricKeyType } as never)
    return { privateKey, publicKey: createPublicKey(privateKey) }
  }
  return {
    lattice: pair(bytes(SEED), 'raw-seed', 'ml-kem-768'),
    curve: pair(bytes(POINT), 'raw-private', 'x25519'),
  }
}

describe('the hybrid secret', () => {
  it('is what another implementation comes to', () => {
    const keys = keysOfVector()
    expect(firstWords(keys).toString('base64')).toBe(WORDS)
    expect(secretFrom(keys, bytes(ANSWER)).toString('base64')).toBe(SECRET)
  })

  it('is the same at both ends, and another each time', () => {
    const keys = freshKeys()
    const [one, two] = [answerTo(firstWords(keys)), answerTo(firstWords(keys))]
    expect(secretFrom(keys, one.answer)).toEqual(one.secret)
    expect(secretFrom(keys, two.answer)).toEqual(two.secret)
    expect(one.secret.equals(two.secret)).toBe(false)
  })

  it('hangs on each half of what was said', () => {
    const keys = freshKeys()
    const { answer, secret } = answerTo(firstWords(keys))
    for (const at of [0, 1_087, 1_088]) {
      const altered = Buffer.from(answer)
      altered[at] = (altered[at] ?? 0) ^ 1
      expect(secretFrom(keys, altered).equals(secret)).toBe(false)
    }
  })

  it('is none of keys that are no keys', () => {
    const words = firstWords(freshKeys())
    const zeroPoint = Buffer.concat([words.subarray(0, 1_184), Buffer.alloc(32)])
    const noKey = Buffer.concat([Buffer.alloc(1_184, 0xff), words.subarray(1_184)])
    for (const wrong of [zeroPoint, noKey, words.subarray(1), Buffer.alloc(0)])
      expect(() => answerTo(wrong)).toThrow()
    const keys = freshKeys()
    const { answer } = answerTo(firstWords(keys))
    const noPoint = Buffer.concat([answer.subarray(0, 1_088), Buffer.alloc(32)])
    for (const wrong of [noPoint, answer.subarray(1), Buffer.alloc(0)])
      expect(() => secretFrom(keys, wrong)).toThrow()
  })
})
