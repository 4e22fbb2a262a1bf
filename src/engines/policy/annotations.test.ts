// Whose yes a policy asks for: groups that stand for each other, or so many of each.
import { describe, expect, it } from 'vitest'
import { readAnnotations } from './annotations.ts'

const approvers = (text: string, more: Record<string, string> = {}) =>
  readAnnotations({ approvers: text, ...more })

describe('@approvers', () => {
  it('names groups of which any member will do, so many as @quorum says', () => {
    expect(approvers('dba, sec', { quorum: '2' })).toMatchObject({
      annotations: { approvers: ['dba', 'sec'], quorum: 2 },
      problems: [],
    })
    expect(approvers('dba').annotations).not.toHaveProperty('needs')
  })

  it('gives each group its own count', () => {
    expect(approvers('1 of dba,  2 of site reliability')).toMatchObject({
      annotations: {
        approvers: ['dba', 'site reliability'],
        quorum: 3,
        needs: [
          { groups: ['dba'], count: 1 },
          { groups: ['site reliability'], count: 2 },
        ],
      },
      problems: [],
    })
  })

  it('takes a group by its name though it has a number or a comma-free "of" in it', () => {
    for (const name of ['team 1', '1st line', 'heads of data'])
      expect(approvers(name)).toMatchObject({ annotations: { approvers: [name] }, problems: [] })
  })

  it('refuses what is half of either, says nobody, names a group twice, or asks for a crowd', () => {
    for (const text of [
      '',
      'dba,,sec',
      '1 of dba, sec',
      'dba, 1 of sec',
      '0 of dba',
      '1 of dba, 2 of dba',
      '6 of dba, 5 of sec',
      '11 of dba',
    ])
      expect(approvers(text).problems, text).toHaveLength(1)
    expect(approvers('1 of dba', { quorum: '2' }).problems).toMatchObject([{ name: 'quorum' }])
  })
})

describe('a name of an annotation', () => {
  it('that is nearly one of ours is refused: nobody would read its bound', () => {
    for (const name of [
      'Quorum',
      'approver',
      'APPROVERS',
      'limitRows',
      'limit_row',
      'Within',
      'ID',
    ])
      expect(readAnnotations({ [name]: '2' }).problems, name).toMatchObject([{ name }])
    for (const name of ['owner', 'ticket', 'quota', 'description'])
      expect(readAnnotations({ [name]: '2' }).problems, name).toEqual([])
  })
})
