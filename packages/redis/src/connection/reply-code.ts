/**
 * How Redis 6 wraps the error of a command in a script. The code follows at once; what a command says after it, where
 * a caller's text might be, is never looked at.
 */
const IN_SCRIPT =
  /^ERR Error running script \(call to f_[0-9a-f]{40}\): (?:@user_script: ?\d+: ){1,2}-?(?=[A-Z])/;

/** The word that an error reply begins with, also that of a command in a script: `READONLY`, `OOM`, … */
export function replyCode(message: string): string {
  return /^[A-Z]+(?= |$)/.exec(message.replace(IN_SCRIPT, ''))?.[0] ?? '';
}
