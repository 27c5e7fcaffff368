import type { Config } from '../components/fields.ts';
import type { StateSource } from './shelly-gen2-source.ts';

/** `btn_down` and `btn_up` come with each of them, and say nothing that it does not. */
const PUSHES = ['single_push', 'double_push', 'triple_push', 'long_push'];

/**
 * The presses of a button, from NotifyEvent.
 * @param index which button, where the component has several
 */
export function toButtonEvent(source: StateSource, component: string, index?: number): Config {
  const types = PUSHES.map((type) => `"${type}"`).join(', ');
  const which = index === undefined ? '' : ` and event.idx == ${index}`;
  return {
    device_class: 'button',
    event_types: PUSHES,
    state_topic: `${source.prefix}/events/rpc`,
    value_template:
      `{% for event in (value_json.params.events | is_defined)` +
      ` if event.component == "${component}"${which} and event.event in [${types}] %}` +
      `{% if loop.first %}{{ {"event_type": event.event} | tojson }}{% endif %}{% endfor %}`,
  };
}
