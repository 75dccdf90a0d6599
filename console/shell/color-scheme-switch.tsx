import { SegmentedControl, useMantineColorScheme, VisuallyHidden } from '@mantine/core';
import { IconDeviceDesktop, IconMoon, IconSun } from '@tabler/icons-react';

const choices = [
  { value: 'auto', words: 'Colours as the system has them', icon: IconDeviceDesktop },
  { value: 'light', words: 'Light colours', icon: IconSun },
  { value: 'dark', words: 'Dark colours', icon: IconMoon },
] as const;

/** Light, dark, or as the system has it; kept in this browser. */
export function ColorSchemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      size="xs"
      fullWidth
      aria-label="Colours"
      value={colorScheme}
      onChange={(value) => {
        const choice = choices.find((each) => each.value === value);
        if (choice !== undefined) setColorScheme(choice.value);
      }}
      data={choices.map(({ value, words, icon: Icon }) => ({
        value,
        label: (
          <span className="scheme-choice" title={words}>
            <Icon size={14} aria-hidden />
            <VisuallyHidden>{words}</VisuallyHidden>
          </span>
        ),
      }))}
    />
  );
}
