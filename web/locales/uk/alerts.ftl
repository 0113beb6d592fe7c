# Ukrainian. Verbs in the past would say whether a child is a boy or a girl: impersonal forms and nouns
# are used instead.

weekday-1 = понеділок
weekday-2 = вівторок
weekday-3 = середа
weekday-4 = четвер
weekday-5 = п’ятниця
weekday-6 = субота
weekday-7 = неділя
month-1 = січня
month-2 = лютого
month-3 = березня
month-4 = квітня
month-5 = травня
month-6 = червня
month-7 = липня
month-8 = серпня
month-9 = вересня
month-10 = жовтня
month-11 = листопада
month-12 = грудня
moment = { $weekday }, { $day } { $month-name }, { $hour }:{ $minute }

mail-subject = { $count ->
        [one] Відсутність на уроці
       *[other] Відсутність на уроках
    } – { $school }
mail-subject-there = Відсутність скасовано – { $school }
mail-hello = Добрий день!
mail-absent = { $name } не було на уроці ({ $moment }).
mail-there = Відсутність { $name } скасовано ({ $moment }).
mail-ask = Будь ласка, повідомте причину на цій сторінці. Обліковий запис не потрібен:
mail-nothing = Ми помилково повідомили вам про відсутність і просимо вибачення. Вам нічого не потрібно робити. Подробиці на цій сторінці:
mail-telephone = Телефон: { $telephone }

sms-when = { $dd }.{ $mm } { $hour }:{ $minute }
sms-who = { $names }, { $when }
sms-absent = { $from }. Немає на уроці: { $who }. Відповідь: { $link }
sms-there = { $from }. Відсутності не було: { $who }. Вибачте за помилку, нічого робити не потрібно.
sms-comma = ,
sms-semicolon = ;

page-title = Відсутність
page-absent = Не було на уроці
page-there = Відсутність скасовано
page-got = Повідомлення отримано
page-seen = Ви підтвердили отримання.
page-why = Повідомити причину
page-reason = Причина
page-choose = Виберіть…
page-comment = Коментар (необов’язково)
page-rest = Відсутність до кінця першої або другої половини дня
page-document = Документ (необов’язково): PDF або фото
page-send = Надіслати
page-received = Причину отримано
page-thanks = Дякуємо, заклад отримав вашу відповідь.
page-gone = Це посилання більше не дійсне. Зателефонуйте до закладу.
page-languages = Мови

problem-title = Відповідь не надіслано
problem-reason = Виберіть причину зі списку.
problem-comment = Коментар задовгий: не більше { $characters } символів.
problem-size = Документ завеликий: не більше { $megabytes } МБ.
problem-kind = Цей документ неможливо прочитати. Надішліть PDF або фото JPEG чи PNG.
problem-later = Не вдалося зберегти вашу відповідь. Спробуйте ще раз за кілька хвилин.
problem-again = Якщо ви додавали документ, додайте його ще раз.
