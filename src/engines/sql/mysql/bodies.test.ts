// Bodies of routines and triggers come apart into statements.
import { describe, expect, it } from 'vitest'
import { type ReadStatement, readMysqlBody } from './bodies.ts'

/** What is read of a body, each statement as a text. */
function textsIn(body: string, parameters: readonly string[] = []): readonly string[] | 'unknown' {
  const texts: string[] = []
  const read: ReadStatement = text => {
    texts.push(text.replaceAll(/\s+/g, ' '))
    return { readable: true, statements: [], forward: text }
  }
  return readMysqlBody(body, parameters, read) === 'unknown' ? 'unknown' : texts
}

describe('a body', () => {
  it('of one statement is that statement', () => {
    expect(textsIn('select ssn from customers')).toEqual(['select ssn from customers'])
    expect(textsIn('return (select ssn from customers where id = x)')).toEqual([
      'SELECT (select ssn from customers where id = x)',
    ])
  })

  it('of many is all of them, with the expressions that decide between them', () => {
    const body = `BEGIN
      DECLARE done INT DEFAULT (select 1 from a);
      DECLARE n, m VARCHAR(40);
      DECLARE c CURSOR FOR select name from customers;
      DECLARE CONTINUE HANDLER FOR NOT FOUND, SQLSTATE '42S02' SET done = 1;
      DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;
      OPEN c;
      again: LOOP
        FETCH c INTO n;
        IF done THEN LEAVE again; ELSEIF n = case when m then 1 end THEN ITERATE again; ELSE delete from t; END IF;
      END LOOP again;
      WHILE done < 3 DO SET done = done + 1; END WHILE;
      REPEAT insert into log values (n); UNTIL done END REPEAT;
      CASE n WHEN 'a' THEN update t set a = 1; ELSE BEGIN END; END CASE;
      select ssn, name into n, @v from customers where id = p;
      SET m = (select max(id) from t), @@session.sql_log_bin = 0, @w = 1;
      CALL other(n);
    END`
    expect(textsIn(body, ['p'])).toEqual([
      'SELECT (select 1 from a)',
      'select name from customers',
      'SELECT 1',
      'ROLLBACK',
      'SELECT done',
      'SELECT n = case when m then 1 end',
      'delete from t',
      'SELECT done < 3',
      'SELECT done + 1',
      'insert into log values (n)',
      'SELECT done',
      'SELECT n',
      "SELECT 'a'",
      'update t set a = 1',
      'select ssn, name from customers where id = p',
      'SELECT (select max(id) from t)',
      'SET @@session.sql_log_bin = 0',
      'SET @w = 1',
      'CALL other(n)',
    ])
  })

  it('of a trigger sets the columns of its row', () => {
    expect(textsIn('SET NEW.name = upper(NEW.ssn)')).toEqual(['SELECT upper(NEW.ssn)'])
  })

  it('that sets what it has not declared sets a variable of the session', () => {
    expect(textsIn("SET sql_mode = ''")).toEqual(["SET sql_mode = ''"])
  })

  it('that runs what is built at run time is dynamic', () => {
    const code = readMysqlBody('BEGIN PREPARE s FROM @t; EXECUTE s; END', [], text => ({
      readable: true,
      statements: [],
      forward: text,
    }))
    expect(code).toEqual({ statements: [], dynamic: true, variables: true })
  })

  it.each([
    'BEGIN select 1',
    'BEGIN select 1; END; drop table t',
    'IF a THEN select 1; END',
    'BEGIN FOR r IN (select 1) DO select 2; END FOR; END',
    'BEGIN /*! drop table t; */ select 1; END',
    "BEGIN select 'x; END",
  ])('that does not come apart is unknown: %s', body => {
    expect(textsIn(body)).toBe('unknown')
  })

  it('with a statement that cannot be read is unknown', () => {
    const refused = { readable: false, code: 'statement_unreadable', message: '' } as const
    expect(readMysqlBody('BEGIN select 1; END', [], () => refused)).toBe('unknown')
  })
})
