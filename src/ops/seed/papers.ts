import type { SeedEdge, SeedThing } from './seed-types.ts';

/** What a family knows about its house: manuals in short, procedures step by step, and notes. */
export const papers: readonly SeedThing[] = [
  manual('boiler-manual', 'Gas boiler: short manual', 'Vaillant', [
    'The display shows the pressure of the heating water. Between 1.0 and 2.0 bar all is well; below 0.8 bar the boiler ' +
      'locks out with F.22.',
    'F.28 means that the burner did not light. Check that the gas tap is open, then press the reset button once. After a ' +
      'third F.28 in a day call the service.',
    'The button with the chimney is for the chimney sweep only; it ends by itself after 15 minutes.',
  ]),
  manual('filter-manual', 'Water filter: short manual', 'BWT', [
    'Change the cartridge every six months. The blue ring shows the month of the last change.',
    'Press the lever down to the stop: this shuts the water off, takes the pressure out of the cup and opens it in one ' +
      'movement.',
  ]),
  manual('dishwasher-manual', 'Dishwasher: short manual', 'Bosch', [
    'Salt is wanted when the lamp with the S shows; fill the container at the bottom left, with water the first time.',
    'E24: the waste water does not leave. Clean the filter, then look for a kink in the hose behind the cupboard.',
    'E15: the leak protection in the floor pan has answered. Close the tap and call the service.',
  ]),
  manual('washer-manual', 'Washing machine: short manual', 'Miele', [
    'The lint filter sits behind the flap at the bottom right. Put the flat tray under it before you turn the handle.',
    'After a power cut the door opens with the cord that hangs behind the same flap.',
  ]),
  manual('lock-manual', 'Smart lock: short manual', 'Nuki', [
    'Hold the button for five seconds to calibrate. The door has to be closed and unlocked for that.',
    'The key still works from outside while the lock is powered off.',
    'Charge the pack when the ring blinks red: two hours at a USB-C charger.',
  ]),
  manual('inverter-manual', 'Solar inverter: short manual', 'Fronius', [
    'A green ring is normal operation, a yellow one means that the grid is outside of its limits, red is an error.',
    'Switch off in this order: DC switch on the unit, then the breaker F7 in the meter cabinet. Wait two minutes.',
  ]),
  manual('valve-manual', 'Radiator thermostats: short manual', 'tado°', [
    'A long press on the button releases the pin: then the head turns off the valve by hand.',
    'Without radio the thermostat keeps the last plan; turning the ring sets the temperature at once.',
  ]),
  manual('house-papers', 'House papers', 'Lindenweg 12', [
    'Meters: gas and water in the plant room, electricity in the cabinet in the hall.',
    'Stopcocks: water in the plant room beside the filter, gas on the left of the boiler, garden tap behind the laundry.',
    'Fuses: F1 to F4 ground floor, F5 and F6 upper floor, F7 inverter, F8 charger.',
  ]),

  procedure('refill-boiler', 'Bring the boiler back to pressure', 10, [
    'Switch the boiler off and let it cool for half an hour.',
    'Fill the hose with water at the tap, so that no air gets in, and join it to the filling valve under the boiler.',
    'Open the valve slowly until the display shows 1.5 bar.',
    'Close the valve, then the tap; take the hose off.',
    'Bleed the radiator in the bathroom, and fill up again if the pressure has fallen below 1.2 bar.',
    'Switch the boiler on and look whether it lights.',
  ]),
  procedure('reset-boiler', 'Reset the boiler after F.28', 5, [
    'Check that the gas tap to the left of the boiler is parallel to the pipe.',
    'Press the reset button once and wait a minute.',
    'When it lights, write the day into the note "Boiler log".',
    'After the third time in a day do not try again: call the service.',
  ]),
  procedure('change-filter', 'Change the cartridge of the water filter', 10, [
    'Put the bucket under the filter.',
    'Press the lever down to the stop: the water is off and the cup opens.',
    'Take out the old cartridge, wipe the cup, put the new one in.',
    'Lift the lever to the top and look for drops for a minute.',
    'Turn the blue ring to this month.',
  ]),
  procedure('clean-dishwasher', 'Clean the dishwasher', 15, [
    'Take out the lower basket and turn the filter to the left.',
    'Rinse the three parts under the tap, with a brush where there is grease.',
    'Look into the holes of the spray arms; a toothpick helps.',
    'Put everything back and run 70 °C with a cleaner and nothing else in it.',
  ]),
  procedure('test-alarms', 'Test the smoke and heat alarms', 10, [
    'Tell everybody in the house.',
    'Hold the button of each alarm until it sounds, and count: the others follow by radio within ten seconds.',
    'Wipe the dust off with a dry cloth.',
  ]),
  procedure('winter-water', 'Close the garden water for the winter', 15, [
    'Shut the garden tap behind the laundry, and open the small drain screw beside it.',
    'Open the tap on the terrace and leave it open until spring.',
    'Take the irrigation control and the pump into the cellar.',
  ]),
  procedure('power-cut', 'After a power cut', 10, [
    'Look at the main breaker and the residual-current device in the hall.',
    'Wait for the router: about three minutes until the house answers again.',
    'Check the freezer, and the clock of the oven.',
    'The blind does not know where it is: drive it once up and once down.',
  ]),

  note(
    'paint',
    'Wall colours',
    'Living room: Caparol "Arctic 10", matt. Children: "Mellow Mint". Two tins left in the laundry.',
  ),
  note(
    'boiler-log',
    'Boiler log',
    '2025-11-03 F.28, lit after one reset. 2026-01-22 pressure 0.9, filled to 1.5.',
  ),
  note(
    'spare-parts',
    'Spare parts',
    'CR2032, CR1632, AAA and two filter cartridges: laundry, top drawer of the white cupboard.',
  ),
  note(
    'cleaner',
    'For whoever waters the plants',
    'Palms once a week, the orchid gets a bath on Sundays. The blue can leaks.',
  ),
  note(
    'door-code',
    'Front door',
    'The cylinder was changed in 2024; of the old keys none fits any more. Spare key: the Webers at number 14.',
  ),
  note(
    'television-note',
    'Television',
    'The picture freezes when the cable to the router is pinched behind the sideboard.',
  ),
  note(
    'skylight',
    'Bathroom skylight',
    'Close it before the fan runs: with both open the humidity never falls.',
  ),
];

export const paperEdges: readonly SeedEdge[] = [
  ['boiler', 'documented_by', 'boiler-manual'],
  ['water-filter', 'documented_by', 'filter-manual'],
  ['dishwasher', 'documented_by', 'dishwasher-manual'],
  ['washer', 'documented_by', 'washer-manual'],
  ['lock', 'documented_by', 'lock-manual'],
  ['inverter', 'documented_by', 'inverter-manual'],
  ['living-valve', 'documented_by', 'valve-manual'],
  ['bedroom-valve', 'documented_by', 'valve-manual'],
  ['home', 'documented_by', 'house-papers'],
  ['reset-boiler', 'documented_by', 'boiler-manual'],
  ['refill-boiler', 'procedure_for', 'boiler'],
  ['reset-boiler', 'procedure_for', 'boiler'],
  ['change-filter', 'procedure_for', 'water-filter'],
  ['clean-dishwasher', 'procedure_for', 'dishwasher'],
  ['test-alarms', 'procedure_for', 'kitchen-smoke'],
  ['test-alarms', 'procedure_for', 'landing-smoke'],
  ['winter-water', 'procedure_for', 'irrigation'],
  ['power-cut', 'procedure_for', 'home'],
  ['boiler', 'documented_by', 'boiler-log'],
  ['television', 'documented_by', 'television-note'],
  ['living', 'documented_by', 'paint'],
  ['laundry', 'documented_by', 'spare-parts'],
  ['home', 'documented_by', 'cleaner'],
  ['front-door', 'documented_by', 'door-code'],
  ['bathroom', 'documented_by', 'skylight'],
];

function manual(key: string, name: string, publisher: string, paragraphs: readonly string[]): SeedThing {
  return {
    key,
    type: 'manual',
    content: { name, publisher, language: 'en', text: paragraphs.join('\n\n') },
  };
}

function procedure(key: string, name: string, minutes: number, steps: readonly string[]): SeedThing {
  return { key, type: 'procedure', content: { name, duration_minutes: minutes, steps } };
}

function note(key: string, name: string, text: string): SeedThing {
  return { key, type: 'note', content: { name, text } };
}
