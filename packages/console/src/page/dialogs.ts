import { h } from './dom.ts';

/** Asks before something is done; `act` runs when it is confirmed, and what it rejects with is shown. */
export function ask(
  title: string,
  content: readonly (HTMLElement | string)[],
  label: string,
  act: () => Promise<void>,
): void {
  const problem = h('p', { class: 'bad', role: 'alert' });
  const confirm = h('button', { type: 'submit', class: 'danger' }, label);
  const cancel = h('button', { type: 'button' }, 'Cancel');
  const form = h(
    'form',
    {},
    h('h2', { id: 'dialog-title' }, title),
    ...content,
    problem,
    h('div', { class: 'buttons' }, cancel, confirm),
  );
  const dialog = open(form);
  const run = async (): Promise<void> => {
    confirm.disabled = true;
    try {
      await act();
      dialog.close();
    } catch (cause) {
      problem.textContent = cause instanceof Error ? cause.message : String(cause);
      confirm.disabled = false;
    }
  };
  cancel.addEventListener('click', () => dialog.close());
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void run();
  });
}

/** Says what has been done. */
export function say(title: string, ...content: readonly (HTMLElement | string)[]): void {
  const done = h('button', { type: 'button' }, 'Close');
  const dialog = open(h('div', {}, h('h2', { id: 'dialog-title' }, title), ...content, done));
  done.addEventListener('click', () => dialog.close());
}

/** The control that opened each open dialog. */
const openers = new Map<Element, Element | null>();

/** For a dialog that another one has opened, the control that opened the first. */
function opener(active: Element | null): Element | null {
  const dialog = active?.closest('dialog');
  return dialog ? (openers.get(dialog) ?? null) : active;
}

/** If the list was redrawn, the button with the same name; without one, the beginning of the view. */
function focusAgain(before: Element | null): void {
  const label = before?.getAttribute('aria-label');
  const alike = Array.from(document.querySelectorAll('main button'), (each) => each as HTMLElement);
  const again = before?.isConnected
    ? before
    : alike.find((each) => label && each.getAttribute('aria-label') === label);
  const at = again ?? document.querySelector('main h1');
  if (at instanceof HTMLElement) at.focus();
}

function open(content: HTMLElement): HTMLDialogElement {
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' }, content);
  const before = opener(document.activeElement);
  // The content, perhaps a new key, must not stay in the page.
  dialog.addEventListener('close', () => {
    dialog.remove();
    openers.delete(dialog);
    if (document.querySelector('dialog') === null) focusAgain(before);
  });
  openers.set(dialog, before);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Told when an act was done and its event was not taken by the audit trail. */
export function unrecorded(recorded: boolean): string {
  return recorded
    ? ''
    : 'It was done, but the audit trail did not record it. Tell the person who keeps the trail.';
}
