/** Who is told that series have changed, or that there are new ones: panels, and what stands beside them on a page. */

export class Telling {
  followers = new Map(); // name → callbacks
  listeners = new Set(); // told about new names, marks and problems
  outside = null; // told of all that changed, once a frame
  changed = new Set();

  /** Calls back, at once and often, when a record of the series comes. */
  follow(name, callback) {
    if (!this.followers.has(name)) this.followers.set(name, new Set());
    this.followers.get(name).add(callback);
    return () => this.followers.get(name)?.delete(callback);
  }

  /** Calls back when there are new names, marks or problems. */
  listen(callback) {
    this.listeners.add(callback);
    return () => this.listeners.delete(callback);
  }

  /** Calls back with the names that changed, at most once an animation frame. */
  onChange(callback) {
    this.outside ??= new Set();
    this.outside.add(callback);
    return () => this.outside.delete(callback);
  }

  /** A series has changed. */
  tell(name) {
    this.followers.get(name)?.forEach((callback) => callback(name));
    if (!this.outside?.size) return;
    this.changed.add(name);
    this.frame ??= requestAnimationFrame(() => {
      const changed = this.changed;
      this.changed = new Set();
      this.frame = null;
      this.outside.forEach((callback) => callback(changed));
    });
  }

  /** Once for all that one frame or answer brings: every panel looks for its names again. */
  tellAll() {
    if (this.telling) return;
    this.telling = true;
    queueMicrotask(() => {
      this.telling = false;
      this.listeners.forEach((callback) => callback());
    });
  }

  /** Nobody is told any more. */
  tellNobody() {
    this.followers.clear();
    this.listeners.clear();
  }
}
