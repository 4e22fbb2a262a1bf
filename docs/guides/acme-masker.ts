import type { Plugin } from 'sallyport/plugin'

/** Parcel numbers of ours: ACME, a year, and a number whose digits sum up to a multiple of seven. */
const PARCEL = /\bACME(20\d\d)-(\d{5})\b/g

export const plugin: Plugin = {
  detectors: {
    'acme-parcel': {
      hints: ['ACME20'],
      detect: text =>
        [...text.matchAll(PARCEL)]
          .filter(
            ([, , number = '']) => [...number].reduce((sum, c) => sum + Number(c), 0) % 7 === 0,
          )
          .map(found => ({ start: found.index, end: found.index + found[0].length })),
      match: ['sent as ACME2024-00007'],
      mustNotMatch: ['ACME2024-12346', 'ACME1999-00007'],
    },
  },
  maskers: {
    'acme-initials': {
      mask: value =>
        value
          .split(/\s+/)
          .map(word => `${word.slice(0, 1)}.`)
          .join(' '),
    },
  },
}
