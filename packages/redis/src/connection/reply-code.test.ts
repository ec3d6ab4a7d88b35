import { describe, expect, test } from 'vitest';
import { replyCode } from './reply-code.ts';

const CALL = `ERR Error running script (call to f_${'0a'.repeat(20)}): `;

describe('the code of an error reply', () => {
  test.each([
    ['a command', 'LOADING Redis is loading the dataset in memory', 'LOADING'],
    ['a code alone', 'NOREPLICAS', 'NOREPLICAS'],
    [
      'a script on Redis 7',
      "READONLY You can't write against a read only replica. script: 0a, on @user_script:5.",
      'READONLY',
    ],
    [
      'a denial in a script on Redis 6',
      `${CALL}@user_script:5: @user_script: 5: -READONLY You can't write against a read only replica.`,
      'READONLY',
    ],
    [
      'the same with one place',
      `${CALL}@user_script:12: -OOM command not allowed when used memory > 'maxmemory'.`,
      'OOM',
    ],
    [
      'an error of a command in a script on Redis 6',
      `${CALL}@user_script:1: WRONGTYPE Operation against a key holding the wrong kind of value`,
      'WRONGTYPE',
    ],
  ])('%s', (_name, message, expected) => {
    expect(replyCode(message)).toBe(expected);
  });

  test.each([
    ['nothing', ''],
    ['no code', 'Connection is closed.'],
    ['a code that is part of a word', 'READONLYs'],
  ])('is not found in %s', (_name, message) => {
    expect(replyCode(message)).toBe('');
  });

  test.each([
    "ERR unknown command 'READONLY', with args beginning with: -READONLY ",
    'ERR READONLY',
    `ERR x ${CALL}@user_script:5: -READONLY x`,
    `x${CALL}@user_script:5: -READONLY x`,
    `\n${CALL}@user_script:5: -READONLY x`,
    `${CALL}@user_script:5: bad argument: @user_script:5: -READONLY x`,
    `${CALL}@user_script:5: attempt to index a value\n@user_script:5: -READONLY x`,
    'ERR Error running script (call to f_0): @user_script:5: -READONLY x',
  ])('is not taken from what follows: %j', (message) => {
    expect(['', 'ERR']).toContain(replyCode(message));
  });
});
