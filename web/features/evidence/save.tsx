// Hands a text to the person as a file of their own.
import { Button } from '../../ui/parts.tsx'

export function Save({ name, text, label }: { name: string; text: string; label: string }) {
  return (
    <Button
      onClick={() => {
        const address = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }))
        const link = document.createElement('a')
        link.href = address
        link.download = name
        link.click()
        setTimeout(() => URL.revokeObjectURL(address), 10_000)
      }}
    >
      {label}
    </Button>
  )
}
