// Renews what counts for a while only, before its time is over. Nothing here knows of a screen or of the host: whoever uses it says how
// a link is made.

/// So much of its time may pass before there is a new one: what was handed out just before counts for the rest.
const PART = 2 / 3;
/// Before it is tried again, in milliseconds: at first, and at most.
const FIRST_PAUSE = 2000;
const LONGEST_PAUSE = 60000;
/// The longest time that timers of browsers can wait.
const LONGEST_WAIT = 2 ** 31 - 1;

export class Renewed {
  /// `make()` gives a link that counts for `lifetime` milliseconds. `changed(link)`: this one is to be used from now on.
  /// `failed(error)`: the last one is over or about to be, and there will be no other.
  constructor(make, lifetime, {changed, failed, now = Date.now, later = setTimeout, never = clearTimeout}) {
    // Called as functions of the page, which are none of ours.
    const timers = {later: (then, ms) => later(then, ms), never: timer => never(timer)};
    Object.assign(this, {make, lifetime, changed, failed, now, timers});
  }

  /// Makes the first one; what goes wrong with it is the caller's to tell.
  async start() {
    await this.renew();
    this.plan();
  }

  stop() {
    this.ended = true;
    this.timers.never(this.timer);
  }

  /// A machine that slept has missed its timers: whoever wakes it asks here.
  look() {
    if (!this.ended && !this.busy && this.made !== undefined && this.now() >= this.due()) this.again();
  }

  due() {
    return this.made + this.lifetime * PART;
  }

  plan(pause = 0) {
    this.timers.never(this.timer);
    const wait = pause || this.due() - this.now();
    this.timer = this.timers.later(() => this.again(), Math.min(Math.max(wait, FIRST_PAUSE), LONGEST_WAIT));
  }

  async renew() {
    const asked = this.now();
    const link = await this.make();
    if (this.ended) return;
    // It counts from when the host made it, which is not before it was asked for.
    this.made = asked;
    this.changed(link);
  }

  async again() {
    if (this.ended || this.busy) return;
    this.busy = true;
    try {
      await this.renew();
      this.pause = undefined;
      if (!this.ended) this.plan();
    } catch (error) {
      if (!this.ended) this.retry(error);
    } finally {
      this.busy = false;
    }
  }

  /// A host that restarts comes back; one that refuses does so the next time, too.
  retry(error) {
    const refused = error.status >= 400 && error.status < 500;
    this.pause = Math.min(2 * (this.pause ?? FIRST_PAUSE / 2), LONGEST_PAUSE);
    if (refused || this.now() >= this.made + this.lifetime) {
      this.stop();
      this.failed(error);
      return;
    }
    this.plan(this.pause);
  }
}
