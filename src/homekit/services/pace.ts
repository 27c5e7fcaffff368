/**
 * The least time between two pushes of a value that changes with every report: a meter tells its load twice a second, and
 * every phone of the home would hear it. What is detected is never held back.
 */
export const PUSH_MEASURED_EVERY_MS = 5000;
