import { describe, expect, test } from 'vitest';
import { type TimeWindow, timeWindow } from './time-window.ts';

const office: TimeWindow = {
  zone: 'Europe/Berlin',
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  from: '09:00',
  to: '17:00',
  except: ['2026-12-25'],
};
const night: TimeWindow = { zone: 'America/New_York', days: ['fri'], from: '22:00', to: '06:00' };
const lateNight: TimeWindow = { zone: 'Europe/Berlin', from: '02:00', to: '03:00' };
const allDay: TimeWindow = { zone: 'UTC', days: ['sun'], from: '00:00', to: '24:00' };

describe('timeWindow', () => {
  test.each<[string, TimeWindow, string, boolean | undefined]>([
    ['opening time in winter', office, '2026-01-05T09:00:00+01:00', true],
    ['a moment before', office, '2026-01-05T08:59:59.999+01:00', false],
    ['opening time in summer, which is an hour earlier', office, '2026-07-06T07:00:00Z', true],
    ['the same moment of UTC in winter', office, '2026-01-05T07:00:00Z', false],
    ['closing time', office, '2026-01-05T17:00:00+01:00', false],
    ['a weekend', office, '2026-01-10T12:00:00+01:00', false],
    ['a holiday', office, '2026-12-25T12:00:00+01:00', false],
    ['a Friday that is Saturday in UTC', night, '2026-01-10T03:30:00Z', true],
    ['the end of a night that began on Friday', night, '2026-01-10T05:59:00-05:00', true],
    [
      'the morning of a Friday, whose night began on Thursday',
      night,
      '2026-01-09T05:59:00-05:00',
      false,
    ],
    ['the first minute of a night', night, '2026-01-09T22:00:00-05:00', true],
    ['the minute in which a night has ended', night, '2026-01-10T06:00:00-05:00', false],
    ['the day after a night', night, '2026-01-10T12:00:00-05:00', false],
    ['the evening of the day after a night', night, '2026-01-10T22:00:00-05:00', false],
    ['a year that the calendar counts with two digits', allDay, '0001-01-07T12:00:00Z', true],
    ['a day before the common era', allDay, '-000001-01-03T12:00:00Z', true],
    ['the day after it', allDay, '-000001-01-04T12:00:00Z', false],
    ['an hour that the beginning of summer time skips', lateNight, '2026-03-29T01:30:00Z', false],
    ['an hour that the end of summer time repeats, first', lateNight, '2026-10-25T00:30:00Z', true],
    ['an hour that the end of summer time repeats, again', lateNight, '2026-10-25T01:30:00Z', true],
    ['the first minute of a whole day', allDay, '2026-01-04T00:00:00Z', true],
    ['the last minute of a whole day', allDay, '2026-01-04T23:59:59.999Z', true],
    ['the minute after', allDay, '2026-01-05T00:00:00Z', false],
    ['a day before 1970', allDay, '1969-12-28T12:00:00Z', true],
  ])('%s', (_name, window, time, inside) => {
    expect(timeWindow(window)(Date.parse(time))).toBe(inside);
  });

  test.each([null, '2026', true, 1n, []])(
    '%s is not a time, though JavaScript takes it for one',
    (now) => {
      const always = timeWindow({ zone: 'UTC', from: '00:00', to: '24:00' });
      expect(always(now as never)).toBeUndefined();
      expect(always(0)).toBe(true);
    },
  );

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -9e15])('%d is not a time', (now) => {
    expect(timeWindow(office)(now)).toBeUndefined();
    expect(typeof timeWindow(allDay)(8.64e15)).toBe('boolean');
  });

  test('the answer of one minute is not taken for another, nor for the same minute of another window', () => {
    const inside = timeWindow(office);
    const noon = Date.parse('2026-01-05T12:00:00+01:00');
    expect([noon, noon + 10 * 3_600_000, noon].map(inside)).toEqual([true, false, true]);
    expect(timeWindow({ ...office, to: '10:00' })(noon)).toBe(false);
  });

  test.each<[string, Partial<Record<keyof TimeWindow | 'until', unknown>>, RegExp]>([
    ['a time without minutes', { from: '9' }, /^rule\.during: from must be a time of day/],
    ['a time of one digit', { from: '9:00' }, /from must be a time of day/],
    ['a time with seconds', { to: '17:00:00' }, /to must be a time of day/],
    ['a time with a sign', { to: '+17:00' }, /to must be a time of day/],
    ['a time in a list', { to: ['17:00'] }, /to must be a time of day/],
    ['an hour that no clock shows', { to: '24:30' }, /up to '24:00'/],
    ['a beginning at the end of the day', { from: '24:00' }, /from must be before 24:00/],
    ['no minute at all', { from: '09:00', to: '09:00' }, /so the window is empty/],
    ['no day', { days: [] }, /days must be a list/],
    ['a day that is not one', { days: ['mon', 'tuesday'] }, /days must be a list/],
    ['a text of days', { days: 'mon' }, /days must be a list/],
    ['a date that is not one', { except: ['2026-02-30'] }, /except must be a list of dates/],
    ['one date of two', { except: ['2026-12-25', '2026-13-01'] }, /except must be/],
    ['a date with its time', { except: ['2026-12-25T00:00'] }, /except must be/],
    ['a date of a far year', { except: ['+012026-12-25'] }, /except must be/],
    ['a date in a list', { except: [['2026-12-25']] }, /except must be/],
    ['an empty zone', { zone: '' }, /"" is not a time zone/],
    ['no zone', { zone: undefined }, /is not a time zone/],
    ['a zone in a list', { zone: ['UTC'] }, /is not a time zone/],
    ['an unknown option', { until: '17:00' }, /"until" is not an option/],
  ])('cannot be constructed with %s', (_name, wrong, message) => {
    expect(() => timeWindow({ ...office, ...wrong } as TimeWindow)).toThrow(message);
  });
});
