import type { Denial } from '@apisec/core';

/** Records a denial, and answers it: where it was not recorded, operators read so in its cause. */
export async function recordedDenial(denial: Denial, record: () => Promise<void>): Promise<Denial> {
  try {
    await record();
    return denial;
  } catch (cause) {
    return { ...denial, cause: denial.cause ?? cause };
  }
}
